/**
 * Pseudo terminals whose master is held by the host (vm.spawn with a terminal). Always true: the master is an ordinary open file,
 * so closing it hangs the slave up, and a checkpoint has it like any other.
 */
import { Errno } from '../abi/errno.ts';
import { newDentry } from '../fs/dcache.ts';
import { newFile } from '../fs/file.ts';
import { O } from '../fs/flags.ts';
import type { File, Path } from '../fs/types.ts';
import type { Kernel } from '../kernel.ts';
import { devptsInstance, ptmxInode } from './devpts.ts';
import { fromWire, wireRoom } from './flow.ts';
import { drain } from './output.ts';
import { type MasterFile, newPty } from './pty.ts';
import { I } from './termbits.ts';
import { resize } from './termios-ioctl.ts';
import type { Pty, TtyFile } from './types.ts';

const TTY_GID = 5;

/** Where the slave's node is, so that ttyname(3) finds it; null while devpts is not mounted. */
function slavePath(k: Kernel, pty: Pty): Path | null {
  const mnt = k.fs.mounts.find((mount) => mount.sb === k.tty.devpts);
  return mnt ? { mnt, dentry: newDentry(String(pty.index), mnt.root, pty.inode) } : null;
}

/**
 * A new pseudo terminal of that size: the master for the host and the slave for a program's standard streams, one reference
 * each; or -errno. `uid` owns the node.
 */
export function openHostPty(
  k: Kernel,
  size: { rows: number; cols: number },
  uid = 0,
): { master: File; slave: File } | number {
  const sb = devptsInstance(k);
  const pty = newPty(k, uid, TTY_GID);
  if (typeof pty === 'number') return pty;
  const flags = O.RDWR | O.LARGEFILE;
  const master = newFile(k, { kind: 'pty master', inode: ptmxInode(k, sb), flags, label: '/dev/ptmx' });
  const path = slavePath(k, pty);
  const label = `/dev/pts/${pty.index}`;
  const slave = newFile(k, { kind: 'tty', inode: pty.inode, flags, path, label, uid });
  if (typeof master === 'number' || typeof slave === 'number') {
    k.tty.ptys.delete(pty.index);
    return -Errno.ENFILE;
  }
  pty.locked = false;
  pty.slave.opens = 1;
  // The host's terminals speak UTF-8, as those of sshd and terminal emulators do.
  pty.slave.termios.iflag |= I.IUTF8;
  pty.slave.winsize = { rows: size.rows, cols: size.cols, xpixel: 0, ypixel: 0 };
  master.data = { pty } satisfies MasterFile;
  slave.data = { tty: pty.slave, hangups: pty.slave.hangups } satisfies TtyFile;
  return { master, slave };
}

const ptyOfMaster = (master: File): Pty => (master.data as MasterFile).pty;

/** Types bytes; answers how many were taken (0: full, come back when the VM has run on). */
export function ptyHostWrite(k: Kernel, master: File, bytes: Uint8Array): number {
  const { slave, otherClosed } = ptyOfMaster(master);
  if (otherClosed) return bytes.length;
  const count = Math.min(bytes.length, Math.max(0, wireRoom(slave)));
  if (count > 0) fromWire(k, slave, bytes.subarray(0, count));
  return count;
}

/** Takes at most `max` bytes of what was printed. */
export function ptyHostRead(k: Kernel, master: File, max: number): Uint8Array {
  const { slave } = ptyOfMaster(master);
  return slave.stopped ? new Uint8Array(0) : drain(k, slave, max);
}

/** The window changed its size. */
export function ptyHostResize(k: Kernel, master: File, size: { rows: number; cols: number }): void {
  resize(k, ptyOfMaster(master).slave, { rows: size.rows, cols: size.cols, xpixel: 0, ypixel: 0 });
}
