/**
 * What the lab may ask of the host: machines by id, wherever their worker is. Always true: everything here crosses a thread as
 * plain data and bytes; a stream keeps at most its window in memory, on both sides, so that a guest that prints for ever
 * waits like a process on a full pipe.
 */
import type { Readable, Writable } from 'node:stream';
import type { FileStat } from '../vm/files.ts';

/** What a machine may use. */
export interface VmQuotas {
  memoryMiB: number;
  diskMiB: number;
  maxTasks: number;
  maxOpenFiles: number;
  /** Weight among the busy machines of its worker; 100 is normal. */
  cpuShare: number;
  /** Bytes a second that all its terminals and the console may print, over a burst of one second. */
  outputBytesPerSec: number;
}

/** How a machine is made. */
export interface VmSpec {
  id: string;
  hostname: string;
  /** One of the image's kernel releases; default: the image's first. */
  kernel?: string;
  /** Clock from retired instructions: the same inputs give the same machine. It runs only while something is asked of it. */
  deterministic: boolean;
  quotas: VmQuotas;
  /** Added to the kernel's command line. */
  cmdline?: string;
}

/** States as OpenStack names them. */
export type VmState = 'BUILD' | 'ACTIVE' | 'SHUTOFF' | 'SUSPENDED' | 'ERROR';
/** What the kernel says of itself. */
export type KernelHealth = 'running' | 'oopsed' | 'panicked' | 'halted' | 'simulator bug';

export interface VmStatus {
  id: string;
  state: VmState;
  kernel: { release: string; health: KernelHealth; taint: number; uptimeSec: number };
  memory: { quotaBytes: number; usedBytes: number };
  disk: { quotaBytes: number; usedBytes: number };
  instructions: number;
}

/** How a process ended. `signal` is a name (`SIGKILL`). */
export interface ProcessExit {
  exitCode: number | null;
  signal: string | null;
}

export interface WindowSize {
  rows: number;
  cols: number;
}

/** A command to run. */
export interface CommandSpec {
  argv: string[];
  /** User name inside the machine; default root. */
  user?: string;
  /** Default: the user's home. */
  cwd?: string;
  env?: Record<string, string>;
}

/** A process on three pipes, as node streams. Reading slowly makes the guest wait. */
export interface ProcessHandle {
  readonly pid: number;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Sends a signal by name to the process's group. */
  signal(name: string): Promise<void>;
  /** Settles when it has ended and its output has been handed over; rejects with a {@link HostError} when the machine is gone. */
  readonly exit: Promise<ProcessExit>;
  /** Lets go: closes the pipes (SIGPIPE and end of input are what the process sees). */
  close(): void;
}

/** A terminal session of a machine. It lives on when nobody looks. */
export interface TerminalInfo {
  id: string;
  pid: number;
  user: string;
  size: WindowSize;
  /** Seconds since the epoch. */
  createdSec: number;
  /** Who is attached, by the labels they gave. */
  viewers: { label: string; writer: boolean }[];
  exit: ProcessExit | null;
}

/** One who looks at a terminal. */
export interface TerminalAttachment {
  readonly terminal: TerminalInfo;
  /** Bytes that draw the screen as it is now; `output` goes on from there. */
  readonly screen: Uint8Array;
  /** Position in the terminal's output after `screen`, bytes since it was opened. */
  readonly offset: number;
  readonly output: Readable;
  /** Keystrokes; null for who only watches. */
  readonly input: Writable | null;
  resize(size: WindowSize): void;
  signal(name: string): Promise<void>;
  /** Settles with the exit of the terminal's process; rejects when the machine is gone. */
  readonly exit: Promise<ProcessExit>;
  /** Called when who is attached has changed. */
  onViewers(listener: (viewers: TerminalInfo['viewers']) => void): void;
  /**
   * Called in place of output that a viewer who only watches was too slow for: bytes that draw the screen (clear it first), and the
   * position from which `output` goes on. Without a listener those bytes come as output.
   */
  onScreen(listener: (screen: Uint8Array, offset: number) => void): void;
  /** Goes away; the terminal stays (see {@link Host.hangup}). */
  detach(): void;
}

/** How much a command may use before it is stopped and the answer says so. */
export interface ExecBudget {
  instructions: number;
  virtualSeconds: number;
  /** Most bytes kept of stdout and of stderr each. */
  outputBytes: number;
}

export interface ExecRequest extends CommandSpec {
  stdin?: Uint8Array;
  budget: ExecBudget;
}

/** What happened in the kernel while a command ran. */
export interface KernelChange {
  modulesAdded: string[];
  modulesRemoved: string[];
  devicesAdded: string[];
  devicesRemoved: string[];
  taintBefore: number;
  taintAfter: number;
  oopses: number;
  health: KernelHealth;
}

export interface ExecResult extends ProcessExit {
  /** `budget`: the command was killed for using it up; `halted`: the machine stopped under it. */
  outcome: 'exited' | 'budget' | 'halted';
  stdout: Uint8Array;
  stderr: Uint8Array;
  truncated: { stdout: boolean; stderr: boolean; kernelLog: boolean };
  instructions: number;
  virtualSeconds: number;
  kernelLog: { level: number; timeNs: number; text: string }[];
  kernel: KernelChange;
}

/** What stat(2) says of a file. */
export type FileInfo = FileStat;

/** Something that happened in a machine. */
export interface VmEvent {
  vmId: string;
  /** Milliseconds since the epoch. */
  timeMs: number;
  kind:
    | 'state'
    | 'module.loaded'
    | 'module.unloaded'
    | 'oops'
    | 'warning'
    | 'panic'
    | 'process.exit'
    | 'login'
    | 'terminal.opened'
    | 'terminal.closed'
    | 'simulator.bug'
    | 'unsupported';
  detail: Record<string, string | number | boolean | null>;
}

/** A request that cannot be carried out. `code` is stable; `errno` is Linux's name where a call inside the machine refused. */
export class HostError extends Error {
  override name = 'HostError';
  readonly code:
    | 'no-such-vm'
    | 'exists'
    | 'wrong-state'
    | 'no-such-terminal'
    | 'no-such-snapshot'
    | 'no-such-user'
    | 'bad-spec'
    | 'guest'
    | 'too-large'
    | 'worker-lost'
    | 'closed';
  readonly errno: string | undefined;
  constructor(code: HostError['code'], message: string, errno?: string) {
    super(message);
    this.code = code;
    this.errno = errno;
  }
}

/** Parts of the inspect view; see `src/vm/inspect-schema.ts` for what each answers. */
export type InspectPart =
  | 'summary'
  | 'modules'
  | 'devices'
  | 'processes'
  | 'log'
  | 'memory'
  | 'symbols'
  | 'oopses'
  | 'mounts';

/** The machines of this server. Every promise rejects with a {@link HostError}. */
export interface Host {
  /** Makes a machine and boots it. Durable when it answers. */
  create(spec: VmSpec): Promise<VmStatus>;
  /** Every machine in the store. */
  list(): Promise<VmStatus[]>;
  status(id: string): Promise<VmStatus>;
  start(id: string): Promise<VmStatus>;
  /** soft: as `poweroff` does, the plug after 10 s; hard: the plug. */
  stop(id: string, how: 'soft' | 'hard'): Promise<VmStatus>;
  reboot(id: string, how: 'soft' | 'hard'): Promise<VmStatus>;
  /** A new disk from the image, and a boot. */
  rebuild(id: string, change?: { kernel?: string }): Promise<VmStatus>;
  /** A second machine that goes on from where this one stands, memory and all. */
  fork(id: string, spec: { id: string; hostname?: string; deterministic?: boolean }): Promise<VmStatus>;
  /** Changes quotas or host name for the next boot; quotas that can be are applied at once. */
  update(id: string, change: Partial<Pick<VmSpec, 'quotas' | 'hostname' | 'kernel'>>): Promise<VmStatus>;
  /** Puts a machine to sleep in the store (SUSPENDED); any other request wakes it. */
  suspend(id: string): Promise<VmStatus>;
  remove(id: string): Promise<void>;

  /** Keeps memory and disk under a name of the caller's. */
  snapshot(id: string, snapshotId: string): Promise<{ bytes: number }>;
  restore(id: string, snapshotId: string): Promise<VmStatus>;
  removeSnapshot(id: string, snapshotId: string): Promise<void>;

  spawn(id: string, command: CommandSpec): Promise<ProcessHandle>;
  exec(id: string, request: ExecRequest): Promise<ExecResult>;

  /** Opens a terminal that runs a command, default a login of `user` (`login -f`). */
  openTerminal(
    id: string,
    options: {
      user: string;
      size: WindowSize;
      argv?: string[];
      env?: Record<string, string>;
      remoteHost?: string;
    },
  ): Promise<TerminalInfo>;
  terminals(id: string): Promise<TerminalInfo[]>;
  /** `console` as terminal id is ttyS0. `fromOffset` resumes without the screen where that much output is still kept. */
  attach(
    id: string,
    terminalId: string,
    options: { label: string; writer: boolean; fromOffset?: number },
  ): Promise<TerminalAttachment>;
  /** Cuts the wire: SIGHUP to the session. */
  hangup(id: string, terminalId: string): Promise<void>;

  /** The console's text since boot (the last MiB of it). */
  consoleLog(id: string): Promise<Uint8Array>;

  /** Files, as root where no user is named. `path` is absolute. Durable when they answer. */
  stat(id: string, path: string): Promise<FileInfo>;
  readFile(id: string, path: string): Promise<Uint8Array>;
  writeFile(
    id: string,
    path: string,
    content: Uint8Array,
    attributes?: { mode?: number; uid?: number; gid?: number },
  ): Promise<void>;
  /** Adds bytes at the end of a regular file; makes it with these attributes when it is not there. Logs of the lab. */
  appendFile(
    id: string,
    path: string,
    content: Uint8Array,
    attributes?: { mode?: number; uid?: number; gid?: number },
  ): Promise<void>;
  /** Removes a file, or a directory with all that is in it when `recursive`. */
  removeFile(id: string, path: string, options?: { recursive?: boolean }): Promise<void>;
  listDirectory(id: string, path: string): Promise<FileInfo[]>;
  makeDirectory(
    id: string,
    path: string,
    attributes?: { mode?: number; uid?: number; gid?: number },
  ): Promise<void>;
  /** A tree as a tar stream (USTAR/pax), owners and modes kept. */
  readTree(id: string, path: string): Promise<Readable>;
  /** Unpacks a tar stream below a directory; all or nothing is not promised, an error says how far it came. */
  writeTree(
    id: string,
    path: string,
    tar: Readable,
    attributes?: { uid?: number; gid?: number },
  ): Promise<{ files: number; bytes: number }>;

  /** A TCP connection from inside the machine to a port of its own loopback, as a duplex pair; rejects with ECONNREFUSED. */
  connect(id: string, port: number): Promise<{ input: Writable; output: Readable }>;

  /**
   * An SFTP session (version 3 with OpenSSH's extensions) with the rights of a user: requests in, answers out. Answers say what the
   * machine has done; what must last is durable after {@link sync}.
   */
  sftp(id: string, user: string): Promise<{ input: Writable; output: Readable }>;

  inspect(id: string, part: InspectPart, key?: string): Promise<unknown>;
  /** Resolves when everything the machine has on its disk is durable. */
  sync(id: string): Promise<void>;

  /** Users of the machine by name, from its /etc/passwd; null when there is none. */
  findUser(
    id: string,
    name: string,
  ): Promise<{ name: string; uid: number; gid: number; home: string; shell: string } | null>;

  onEvent(listener: (event: VmEvent) => void): () => void;
  /** Counts for the metrics: gauge or counter by name. */
  metrics(): Promise<Record<string, number>>;
  /** Hibernates every machine and stops the workers. */
  close(): Promise<void>;
}

/** How the host is opened. */
export interface HostOptions {
  /** Folder of the store. */
  dataFolder: string;
  /** Default: one a core. */
  workers?: number;
  /** Idle time after which a machine sleeps in the store. */
  hibernateAfterSec?: number;
  /** A line for the server's log. */
  log?(level: 'info' | 'warn' | 'error', message: string, fields?: Record<string, unknown>): void;
}
