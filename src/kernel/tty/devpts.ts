/**
 * devpts (Documentation/filesystems/devpts.txt): one instance, whose names are the indices of the open pseudo terminals and
 * `ptmx`. Always true: the inode of a name is the one kept in its Pty, so owner and mode stay while it lives.
 */
import { Errno } from '../abi/errno.ts';
import { makedev } from '../fs/flags.ts';
import { newInode } from '../fs/inode.ts';
import { defineFsType } from '../fs/ops.ts';
import { newSuperblock } from '../fs/super.ts';
import type { Inode, Superblock } from '../fs/types.ts';
import type { Kernel } from '../kernel.ts';
import { TTYAUX_MAJOR } from './device.ts';

/** Mount options, and the inode of `ptmx`. */
export interface DevptsOptions {
  uid: number | null;
  gid: number | null;
  mode: number;
  ptmxmode: number;
  max: number;
  ptmx: Inode | null;
}

const DEVPTS_MAGIC = 0x1cd1;
const PTMX_INO = 2;
/** Inode number of index 0. */
export const PTS_FIRST_INO = 3;
const S_IFCHR = 0o020000;
const DT_CHR = 2;

/** Reads `gid=5,mode=620,ptmxmode=666,uid=,max=,newinstance`; null when an option is unknown. */
function parseOptions(data: string): Partial<DevptsOptions> | null {
  const options: Partial<DevptsOptions> = {};
  for (const part of data.split(',').filter((word) => word !== '')) {
    const [name, value = ''] = part.split('=');
    const octal = /^[0-7]+$/.test(value) ? Number.parseInt(value, 8) & 0o7777 : null;
    const decimal = /^\d+$/.test(value) ? Number(value) : null;
    if (name === 'uid' && decimal !== null) options.uid = decimal;
    else if (name === 'gid' && decimal !== null) options.gid = decimal;
    else if (name === 'max' && decimal !== null) options.max = decimal;
    else if (name === 'mode' && octal !== null) options.mode = octal;
    else if (name === 'ptmxmode' && octal !== null) options.ptmxmode = octal;
    else if (part !== 'newinstance') return null;
  }
  return options;
}

/** The one instance, made when it is first wanted. */
export function devptsInstance(k: Kernel, source = 'devpts'): Superblock {
  if (k.tty.devpts) return k.tty.devpts;
  const sb = newSuperblock(k, 'devpts', source, { ino: 1, mode: 0o40755 });
  sb.nextIno = PTS_FIRST_INO;
  sb.data = {
    uid: null,
    gid: null,
    mode: 0o600,
    ptmxmode: 0,
    max: 4096,
    ptmx: null,
  } satisfies DevptsOptions;
  k.tty.devpts = sb;
  return sb;
}

/** The node `ptmx` of the instance. */
export function ptmxInode(k: Kernel, sb: Superblock): Inode {
  const options = sb.data as DevptsOptions;
  const rdev = makedev(TTYAUX_MAJOR, 2);
  options.ptmx ??= newInode(k, sb, { ino: PTMX_INO, mode: S_IFCHR | options.ptmxmode, rdev });
  return options.ptmx;
}

defineFsType({
  name: 'devpts',
  nodev: true,
  mount(k, source, _flags, data) {
    const parsed = parseOptions(data);
    if (!parsed) return -Errno.EINVAL;
    const sb = devptsInstance(k, source);
    const options = sb.data as DevptsOptions;
    Object.assign(options, parsed);
    ptmxInode(k, sb).mode = S_IFCHR | options.ptmxmode;
    return sb;
  },
  lookup(k, _task, dir, name) {
    if (name === 'ptmx') return ptmxInode(k, dir.sb);
    if (!/^(0|[1-9]\d{0,6})$/.test(name)) return -Errno.ENOENT;
    const pty = k.tty.ptys.get(Number(name));
    return pty && pty.inode.nlink > 0 ? pty.inode : -Errno.ENOENT;
  },
  readdir(k) {
    const list = [{ name: 'ptmx', ino: PTMX_INO, type: DT_CHR }];
    const open = [...k.tty.ptys.values()].filter((pty) => pty.inode.nlink > 0);
    for (const pty of open.sort((a, b) => a.index - b.index))
      list.push({ name: String(pty.index), ino: pty.inode.ino, type: DT_CHR });
    return list;
  },
  statfs: () => ({ type: DEVPTS_MAGIC, blocks: 0, free: 0, files: 0, ffree: 0 }),
});
