/** The door of the fs room. Importing it fills the tables: file systems, kinds of open files, steps. */
import './attr.ts';
import './copy.ts';
import './debugfs.ts';
import './devtmpfs.ts';
import './epoll.ts';
import './eventfd.ts';
import './fcntl.ts';
import './host.ts';
import './inotify.ts';
import './memfd.ts';
import './open.ts';
import './pipe.ts';
import './poll.ts';
import './proc/index.ts';
import './readdir.ts';
import './regular.ts';
import './rename.ts';
import './rootfs.ts';
import './rw.ts';
import './signalfd.ts';
import './sysfs/index.ts';
import './timerfd.ts';
import './tmpfs.ts';
import './xattr.ts';

export {
  bootMount,
  createFsRoom,
  initFs,
  newFsContext,
  rootPath,
} from './room.ts';
