/** The fs room's door: importing it fills the tables of file systems and file kinds. */
import './debugfs.ts';
import './devtmpfs.ts';
import './memfd.ts';
import './pipe.ts';
import './proc/index.ts';
import './regular.ts';
import './rootfs.ts';
import './sysfs/index.ts';
import './tmpfs.ts';

export { createFsRoom, initFs } from './room.ts';
