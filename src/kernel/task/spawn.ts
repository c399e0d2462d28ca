/**
 * Processes that the kernel starts itself: init, and what vm.spawn asks for. Always true: such a process leads its own session;
 * when its program cannot be run it leaves no trace.
 */
import { Errno } from '../abi/errno.ts';
import { getFileRef, newTable, putFile, putTable } from '../fs/file.ts';
import { At, O } from '../fs/flags.ts';
import { getInode, putInode } from '../fs/inode.ts';
import { lookupPath } from '../fs/namei.ts';
import { openPath } from '../fs/open.ts';
import { newFsContext } from '../fs/room.ts';
import type { File } from '../fs/types.ts';
import type { Kernel } from '../kernel.ts';
import { Level, printk } from '../printk/printk.ts';
import { openSetsControlling } from '../tty/job.ts';
import type { TtyFile } from '../tty/types.ts';
import { dupFsContext, putFsContext } from './context.ts';
import { newTask, startTask } from './create.ts';
import { rootCred } from './cred.ts';
import { execProgram } from './exec.ts';
import { panic } from './panic.ts';
import type { Cred, Task } from './types.ts';

/** What to start. All strings are byte strings. */
export interface SpawnRequest {
  /** `argv[0]` without a slash is looked for along PATH of `env`. */
  argv: readonly string[];
  env: readonly string[];
  cwd?: string;
  cred?: Cred;
  /** Descriptors 0, 1, …; the caller keeps its references. */
  files?: readonly (File | null)[];
  /** The first file is a terminal that becomes the session's. */
  controllingTty?: boolean;
}

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Starts a process; its pid, or -errno. It runs when the VM runs. */
export function spawn(k: Kernel, request: SpawnRequest): number {
  const init = k.task.groups.get(1);
  const task = newTask(k, {
    group: null,
    comm: 'spawn',
    mm: null,
    files: newTable(),
    fs: dupFsContext(newFsContext(k)),
    cred: request.cred ?? rootCred,
    parentPid: init ? 1 : 0,
  });
  if (typeof task === 'number') return task;
  for (const file of request.files ?? [])
    task.files.fds.push(file && { file: getFileRef(file), cloexec: false });
  const failed = setUp(k, task, request);
  if (failed < 0) {
    discard(k, task);
    return failed;
  }
  task.group.spawned = task.tid !== 1;
  startTask(k, task);
  return task.tid;
}

function setUp(k: Kernel, task: Task, request: SpawnRequest): number {
  if (request.cwd !== undefined) {
    const cwd = lookupPath(k, task, At.FDCWD, request.cwd, { directory: true });
    if (typeof cwd === 'number') return cwd;
    const old = task.fs.cwd;
    task.fs.cwd = cwd;
    if (cwd.dentry.inode) getInode(cwd.dentry.inode);
    if (old.dentry.inode) putInode(k, old.dentry.inode);
  }
  const terminal = request.files?.[0];
  if (request.controllingTty && terminal) openSetsControlling(task, terminal, (terminal.data as TtyFile).tty);
  return runAlongPath(k, task, request);
}

/** execvp(3): a name without a slash is tried in every directory of PATH. */
function runAlongPath(k: Kernel, task: Task, request: SpawnRequest): number {
  const { argv, env } = request;
  const name = argv[0] ?? '';
  if (name === '') return -Errno.ENOENT;
  const path = env.find((entry) => entry.startsWith('PATH='))?.slice(5) ?? DEFAULT_PATH;
  const candidates = name.includes('/') ? [name] : path.split(':').map((dir) => `${dir || '.'}/${name}`);
  let result: number = -Errno.ENOENT;
  for (const filename of candidates) {
    const outcome = execProgram(k, task, {
      dirfd: At.FDCWD,
      filename,
      argv,
      env,
    });
    if (typeof outcome !== 'number') throw new Error('a process of one thread waits for others in exec');
    if (outcome === 0) return 0;
    if (result !== -Errno.EACCES) result = outcome;
    if (outcome !== -Errno.ENOENT && outcome !== -Errno.ENOTDIR && outcome !== -Errno.EACCES) return outcome;
  }
  return result;
}

/** Takes back a task that never ran. */
function discard(k: Kernel, task: Task): void {
  const { group } = task;
  if (group.tty) {
    group.tty.sid = 0;
    group.tty.pgrp = 0;
    group.tty = null;
  }
  putTable(k, task.files, task);
  putFsContext(k, task.fs);
  k.task.tasks.delete(task.tid);
  k.task.groups.delete(group.pid);
  const siblings = k.task.groups.get(group.parentPid)?.children;
  const at = siblings?.indexOf(group.pid) ?? -1;
  if (at >= 0) siblings?.splice(at, 1);
  task.state = 'dead';
}

/** The environment that Linux gives to init. */
const INIT_ENV = ['HOME=/', 'TERM=linux'];

/** Starts process 1 on the console with the first of `programs` that runs; a panic when none does. */
export function startInit(k: Kernel, programs: readonly string[]): void {
  const task = newTask(k, {
    group: null,
    comm: 'swapper/0',
    mm: null,
    files: newTable(),
    fs: dupFsContext(newFsContext(k)),
    cred: rootCred,
    parentPid: 0,
  });
  if (typeof task === 'number' || task.tid !== 1) throw new Error('init must be the first process');
  task.group.sid = 0;
  task.group.pgid = 0;
  const console = openPath(k, task, '/dev/console', O.RDWR);
  if (typeof console === 'object') {
    for (let fd = 0; fd < 3; fd++) task.files.fds.push({ file: getFileRef(console), cloexec: false });
    putFile(k, console);
  } else printk(k, Level.ERR, 'Warning: unable to open an initial console.');
  for (const program of programs) {
    if (
      execProgram(k, task, {
        dirfd: At.FDCWD,
        filename: program,
        argv: [program],
        env: INIT_ENV,
      }) === 0
    ) {
      startTask(k, task);
      return;
    }
  }
  panic(
    k,
    'No working init found.  Try passing init= option to kernel. See Linux Documentation/admin-guide/init.rst for guidance.',
  );
}
