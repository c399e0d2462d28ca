/**
 * Open files and descriptor tables (fs/file.c, fs/file_table.c). Always true: `refs` of a file counts the descriptors,
 * mappings and messages in flight that hold it; at 0 it has been released and its inode reference given back.
 */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import { defineStep, type Outcome, type Plain } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import { isChr, isReg, O, RLIMIT_NOFILE } from './flags.ts';
import { getInode, putInode } from './inode.ts';
import { dropFileLocks, dropPosixLocks } from './locks.ts';
import { NotifyMask, notifyFile } from './notify.ts';
import { defineFileOps, opsOf } from './ops.ts';
import type { File, FileTable, Inode, Path } from './types.ts';

/** What a new open file is made of. */
export interface FileInit {
  kind: string;
  inode: Inode;
  flags: number;
  path?: Path | null;
  label?: string;
  uid?: number;
  data?: Plain;
}

/** Whether a file may be read from, written to. */
export const isReadable = (file: File): boolean =>
  (file.flags & O.ACCMODE) !== O.WRONLY && (file.flags & O.PATH) === 0;
export const isWritable = (file: File): boolean =>
  (file.flags & O.ACCMODE) !== O.RDONLY && (file.flags & O.PATH) === 0;

/** A new open file with one reference, in no table yet; -ENFILE when the VM has too many. */
export function newFile(k: Kernel, init: FileInit): File | number {
  if (k.fs.openFiles >= k.fs.maxFiles) return -Errno.ENFILE;
  k.fs.openFiles++;
  const file: File = {
    kind: init.kind,
    // O_NOCTTY stays until a terminal's driver has seen it (openChrdev).
    flags: init.flags & ~(O.CREAT | O.EXCL | O.TRUNC | O.CLOEXEC | (isChr(init.inode.mode) ? 0 : O.NOCTTY)),
    pos: 0,
    refs: 1,
    path: init.path ?? null,
    inode: getInode(init.inode),
    label: init.label ?? '',
    openUid: init.uid ?? 0,
    data: init.data ?? null,
    owner: { pid: 0, signal: 0 },
    dir: null,
    id: k.fs.nextFileId++,
  };
  if (isWritable(file) && isReg(file.inode.mode)) file.inode.writers++;
  return file;
}

export function getFileRef(file: File): File {
  file.refs++;
  return file;
}

/** Gives a reference back; the last one releases the file. */
export function putFile(k: Kernel, file: File): void {
  if (--file.refs > 0) return;
  if (k.fs.watches > 0)
    notifyFile(k, file, isWritable(file) ? NotifyMask.CLOSE_WRITE : NotifyMask.CLOSE_NOWRITE);
  opsOf(file).release?.(k, file);
  abandonFile(k, file);
}

/** Takes an open file apart without releasing what its kind set up: an open that failed half-way. */
export function abandonFile(k: Kernel, file: File): void {
  dropFileLocks(k, file);
  if (isWritable(file) && isReg(file.inode.mode)) file.inode.writers--;
  k.fs.openFiles--;
  putInode(k, file.inode);
}

/** The file of a descriptor, or null (EBADF). Descriptors opened with O_PATH do not count. */
export function getFile(task: Task, fd: number): File | null {
  const file = task.files.fds[fd]?.file;
  return file && (file.flags & O.PATH) === 0 ? file : null;
}

/** The same with O_PATH descriptors: for the calls that take those too (man 2 open). */
export const getFileRaw = (task: Task, fd: number): File | null => task.files.fds[fd]?.file ?? null;

export const newTable = (): FileTable => ({ users: 1, fds: [] });

/** Puts a file into the lowest free descriptor from `min`; takes over the reference. -EMFILE leaves the file alone. */
export function installFd(_k: Kernel, task: Task, file: File, cloexec: boolean, min = 0): number {
  const { fds } = task.files;
  const limit = Math.min(task.group.rlimits[RLIMIT_NOFILE].cur, 1 << 20);
  let fd = min;
  while (fd < fds.length && fds[fd]) fd++;
  if (fd >= limit) return -Errno.EMFILE;
  while (fds.length < fd) fds.push(null);
  fds[fd] = { file, cloexec };
  return fd;
}

/** {@link installFd} that drops the file when there is no room. */
export function installOrPut(k: Kernel, task: Task, file: File | number, cloexec: boolean): number {
  if (typeof file === 'number') return file;
  const fd = installFd(k, task, file, cloexec);
  if (fd < 0) putFile(k, file);
  return fd;
}

/** close(2) of one descriptor: flush, POSIX locks of this process, then the reference. */
export function closeFd(k: Kernel, task: Task, fd: number): Outcome {
  const entry = task.files.fds[fd];
  if (!entry) return -Errno.EBADF;
  task.files.fds[fd] = null;
  trim(task.files);
  return closeFile(k, task, entry.file, task.files);
}

function trim(table: FileTable): void {
  const { fds } = table;
  while (fds.length > 0 && !fds[fds.length - 1]) fds.pop();
}

/** What close(2) does to the file once its descriptor is gone (filp_close). */
export function closeFile(k: Kernel, task: Task, file: File, table: FileTable): Outcome {
  if (file.inode.locks) dropPosixLocks(k, table, file.inode);
  const outcome = opsOf(file).flush?.(k, task, file) ?? 0;
  if (typeof outcome === 'number') {
    // Who dies in flush never gets to put the file.
    if (task.state === 'running') putFile(k, file);
    return outcome;
  }
  return {
    ...outcome,
    then: [{ step: closeDone, state: { file } }, ...outcome.then],
  };
}

const closeDone = defineStep('file.close.done', (k, _task, state: { file: File }, entry) => {
  putFile(k, state.file);
  return entry.by === 'result' ? entry.value : 0;
});

/** A copy of a table for fork: every file gains a reference. */
export function dupTable(_k: Kernel, table: FileTable): FileTable {
  const fds = table.fds.map((entry) => {
    if (!entry) return null;
    entry.file.refs++;
    return { file: entry.file, cloexec: entry.cloexec };
  });
  return { users: 1, fds };
}

/** A task lets go of its table (exit, exec, unshare); the last one closes everything. */
export function putTable(k: Kernel, table: FileTable, task: Task): void {
  if (--table.users > 0) return;
  const { fds } = table;
  for (let fd = 0; fd < fds.length; fd++) {
    const entry = fds[fd];
    fds[fd] = null;
    if (entry) closeQuietly(k, task, entry.file, table);
  }
  fds.length = 0;
}

/** A close that cannot park: what flush would wait for is left undone. */
function closeQuietly(k: Kernel, task: Task, file: File, table: FileTable): void {
  if (file.inode.locks) dropPosixLocks(k, table, file.inode);
  opsOf(file).flush?.(k, task, file);
  putFile(k, file);
}

/** At exec: the task gets a table of its own, and descriptors marked close-on-exec go. */
export function closeOnExec(k: Kernel, task: Task): void {
  unshareTable(k, task);
  const { fds } = task.files;
  for (let fd = 0; fd < fds.length; fd++) {
    const entry = fds[fd];
    if (!entry?.cloexec) continue;
    fds[fd] = null;
    closeQuietly(k, task, entry.file, task.files);
  }
  trim(task.files);
}

/** unshare(CLONE_FILES): a private copy when others share the table. */
export function unshareTable(k: Kernel, task: Task): void {
  if (task.files.users <= 1) return;
  const mine = dupTable(k, task.files);
  task.files.users--;
  task.files = mine;
}

/** dup2 and dup3 once the arguments are checked: `fd` shows `file`, whatever it showed is closed. */
export function replaceFd(k: Kernel, task: Task, fd: number, file: File, cloexec: boolean): number {
  const { fds } = task.files;
  if (fd >= task.group.rlimits[RLIMIT_NOFILE].cur || fd >= 1 << 20) return -Errno.EBADF;
  const old = fds[fd];
  while (fds.length <= fd) fds.push(null);
  fds[fd] = { file: getFileRef(file), cloexec };
  if (old) closeQuietly(k, task, old.file, task.files);
  return fd;
}

/** A descriptor opened with O_PATH: a place, not a file. */
defineFileOps('path', {});
