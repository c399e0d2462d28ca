/**
 * Processes started from outside: a command with credentials and its standard streams on pipes or on a terminal of its own.
 * Always true: the host's ends are kernel objects kept in `k.task.spawned`, found by pid, so that they survive a checkpoint
 * and a fork of the VM; outside the kernel a process is only its pid.
 */
import { putFile } from '../kernel/fs/file.ts';
import { newPipe, pipeHostEnded, pipeHostRead, pipeHostWrite } from '../kernel/fs/pipe.ts';
import type { File } from '../kernel/fs/types.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { newSigInfo, Si } from '../kernel/signal/bits.ts';
import { sendSignal, sendSignalPgrp } from '../kernel/signal/send.ts';
import { rootCred, userCred } from '../kernel/task/cred.ts';
import { spawn } from '../kernel/task/spawn.ts';
import type { SpawnedProcess } from '../kernel/task/types.ts';
import { openHostPty, ptyHostRead, ptyHostResize, ptyHostWrite } from '../kernel/tty/host.ts';
import { findUser, type User } from './users.ts';
import type { Vm } from './vm.ts';

/** What to run, as whom, and on what. */
export interface ProcessOptions {
  argv: readonly string[];
  /** Added to (or replacing parts of) the login environment of the user. */
  env?: Readonly<Record<string, string>>;
  /** Default: the user's home. */
  cwd?: string;
  /** Default root. */
  user?: string;
  /** A terminal of this size instead of three pipes. */
  terminal?: { rows: number; cols: number };
  /** It is login(1): its exit status is to be that of the session it opens. */
  login?: boolean;
}

/** How a process ended, as a shell sees it. */
export interface ExitStatus {
  exitCode: number | null;
  signal: number | null;
}

/** A request that cannot be carried out, with the errno of Linux where there is one. */
export class ProcessError extends Error {
  override name = 'ProcessError';
  readonly errno: number;
  constructor(message: string, errno = 0) {
    super(message);
    this.errno = errno;
  }
}

/** Text from the host as the kernel's byte strings. */
export const byteString = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

/** The environment that login gives on a machine with Ubuntu's PATH. */
function loginEnvironment(user: User, terminal: boolean): Record<string, string> {
  return {
    HOME: user.home,
    LANG: 'C.UTF-8',
    LOGNAME: user.name,
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    SHELL: user.shell,
    USER: user.name,
    ...(terminal ? { TERM: 'xterm-256color' } : {}),
  };
}

/** New pipes, [read end, write end] each; all or none. */
function openPipes(k: Kernel, count: number): [File, File][] {
  const pipes: [File, File][] = [];
  while (pipes.length < count) {
    const pipe = newPipe(k);
    if (typeof pipe === 'number') {
      for (const file of pipes.flat()) putFile(k, file);
      throw new ProcessError('the VM has too many open files', -pipe);
    }
    pipes.push(pipe);
  }
  return pipes;
}

/**
 * Starts a process; answers its pid. It runs when the VM runs. Throws a {@link ProcessError} for an unknown user, or with the
 * errno with which Linux would refuse (EAGAIN: too many processes).
 */
export function spawnProcess(vm: Vm, options: ProcessOptions): number {
  const k = vm.kernel;
  const name = options.user ?? 'root';
  const user = findUser(k, name);
  if (!user) throw new ProcessError(`the VM has no user ${name}`);
  const host: SpawnedProcess = { status: null, ...(options.login ? { sessionStatus: null } : {}) };
  let guestEnds: File[];
  let terminal = false;
  if (options.terminal) {
    const pty = openHostPty(k, options.terminal, user.uid);
    if (typeof pty === 'number') throw new ProcessError('the VM has no free terminal', -pty);
    host.master = pty.master;
    guestEnds = [pty.slave, pty.slave, pty.slave];
    terminal = true;
  } else {
    const pipes = openPipes(k, 3);
    const [stdin, stdout, stderr] = pipes;
    Object.assign(host, { stdin: stdin[1], stdout: stdout[0], stderr: stderr[0] });
    guestEnds = [stdin[0], stdout[1], stderr[1]];
  }
  const env = { ...loginEnvironment(user, terminal), ...options.env };
  const pid = spawn(k, {
    argv: options.argv.map(byteString),
    env: Object.entries(env).map(([key, value]) => byteString(`${key}=${value}`)),
    cwd: byteString(options.cwd ?? user.home),
    cred: user.uid === 0 ? { ...rootCred, groups: user.groups } : userCred(user.uid, user.gid, user.groups),
    files: guestEnds,
    controllingTty: terminal,
  });
  for (const file of new Set(guestEnds)) putFile(k, file);
  if (pid < 0) {
    for (const file of [host.stdin, host.stdout, host.stderr, host.master]) if (file) putFile(k, file);
    throw new ProcessError(`the VM cannot start a process (errno ${-pid})`, -pid);
  }
  k.task.spawned.set(pid, host);
  return pid;
}

function spawned(vm: Vm, pid: number): SpawnedProcess {
  const host = vm.kernel.task.spawned.get(pid);
  if (!host) throw new ProcessError(`process ${pid} was not started from outside`);
  return host;
}

/** Offers bytes to the process's standard input or terminal; answers how many were taken (0: full, come back later). */
export function writeInput(vm: Vm, pid: number, bytes: Uint8Array): number {
  const host = spawned(vm, pid);
  if (host.master) return ptyHostWrite(vm.kernel, host.master, bytes);
  return host.stdin ? pipeHostWrite(vm.kernel, host.stdin, bytes) : bytes.length;
}

/** End of input: closes the pipe (a terminal is hung up instead, as when the wire is cut). */
export function closeInput(vm: Vm, pid: number): void {
  const host = spawned(vm, pid);
  const file = host.master ?? host.stdin;
  if (file) putFile(vm.kernel, file);
  host.master = null;
  host.stdin = null;
}

/** Bytes the process has written, at most `max`; a terminal has one stream only, which is `stdout`. */
export function readOutput(vm: Vm, pid: number, stream: 'stdout' | 'stderr', max = 65536): Uint8Array {
  const host = spawned(vm, pid);
  if (host.master) return stream === 'stdout' ? ptyHostRead(vm.kernel, host.master, max) : new Uint8Array(0);
  const file = host[stream];
  return file ? pipeHostRead(vm.kernel, file, max) : new Uint8Array(0);
}

/** Whether nothing more can come: everybody who could write has closed it, and all is read. A terminal's never ends by itself. */
export function outputEnded(vm: Vm, pid: number, stream: 'stdout' | 'stderr'): boolean {
  const host = spawned(vm, pid);
  if (host.master) return stream === 'stderr';
  const file = host[stream];
  return !file || pipeHostEnded(file);
}

/** Nobody reads this stream any more: the process gets SIGPIPE when it next writes to it. */
export function closeOutput(vm: Vm, pid: number, stream: 'stdout' | 'stderr'): void {
  const host = spawned(vm, pid);
  const file = host[stream];
  host[stream] = null;
  if (file) putFile(vm.kernel, file);
}

/** Changes the size of the process's terminal; the foreground group gets SIGWINCH. */
export function resizeTerminal(vm: Vm, pid: number, size: { rows: number; cols: number }): void {
  const { master } = spawned(vm, pid);
  if (master) ptyHostResize(vm.kernel, master, size);
}

/** Sends a signal to the process's group, as the kernel; of a terminal, to the group in its foreground. */
export function signalProcess(vm: Vm, pid: number, signo: number): void {
  const k = vm.kernel;
  const group = k.task.groups.get(pid);
  if (!group) return;
  const foreground = spawned(vm, pid).master ? group.tty?.pgrp : 0;
  sendSignalPgrp(k, foreground || group.pgid, newSigInfo(signo, Si.KERNEL));
}

/** Sends a signal to the process, all its descendants and whoever is left of its session. */
export function signalTree(vm: Vm, pid: number, signo: number): void {
  const k = vm.kernel;
  const tree = new Set([pid]);
  for (const each of tree) for (const child of k.task.groups.get(each)?.children ?? []) tree.add(child);
  for (const group of [...k.task.groups.values()])
    if (tree.has(group.pid) || group.sid === pid) sendSignal(k, group, newSigInfo(signo, Si.KERNEL));
}

/** How the process ended, or null while it runs. */
export function exitStatusOf(vm: Vm, pid: number): ExitStatus | null {
  const { status: own, sessionStatus } = spawned(vm, pid);
  if (own === null) return null;
  const status = own === 0 ? (sessionStatus ?? 0) : own;
  const signal = status & 0x7f;
  return signal === 0 ? { exitCode: (status >> 8) & 0xff, signal: null } : { exitCode: null, signal };
}

/** Whether the session that a login opens is there; true for whatever is no login. */
export function sessionBegun(vm: Vm, pid: number): boolean {
  if (spawned(vm, pid).sessionStatus === undefined) return true;
  const { groups } = vm.kernel.task;
  return groups.get(pid)?.children.some((child) => groups.get(child)?.sid === child) ?? true;
}

/** Forgets an ended process and closes the host's ends. */
export function forgetProcess(vm: Vm, pid: number): void {
  const host = spawned(vm, pid);
  for (const file of [host.stdin, host.stdout, host.stderr, host.master]) if (file) putFile(vm.kernel, file);
  vm.kernel.task.spawned.delete(pid);
}
