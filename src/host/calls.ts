/**
 * What the host asks of a worker, by birpc over the thread's port. Always true: arguments and answers are plain data; every answer
 * is wrapped (wire.ts), since an error that crosses a thread loses its class.
 */
import type {
  CommandSpec,
  ExecRequest,
  ExecResult,
  FileInfo,
  InspectPart,
  TerminalInfo,
  VmEvent,
  VmSpec,
  VmStatus,
  WindowSize,
} from './types.ts';
import type { Answer } from './wire.ts';

export interface FileAttributes {
  mode?: number;
  uid?: number;
  gid?: number;
}

export interface TerminalRequest {
  user: string;
  size: WindowSize;
  argv?: string[];
  env?: Record<string, string>;
  remoteHost?: string;
}

/** Calls by name; `id` is the machine's. */
export interface WorkerCalls {
  create(spec: VmSpec): VmStatus;
  status(id: string): VmStatus;
  start(id: string): VmStatus;
  stop(id: string, how: 'soft' | 'hard'): VmStatus;
  reboot(id: string, how: 'soft' | 'hard'): VmStatus;
  rebuild(id: string, change: { kernel?: string }): VmStatus;
  fork(id: string, spec: { id: string; hostname?: string; deterministic?: boolean }): VmStatus;
  update(id: string, change: Partial<Pick<VmSpec, 'quotas' | 'hostname' | 'kernel'>>): VmStatus;
  suspend(id: string): VmStatus;
  remove(id: string): void;
  snapshot(id: string, snapshotId: string): { bytes: number };
  restore(id: string, snapshotId: string): VmStatus;
  removeSnapshot(id: string, snapshotId: string): void;
  spawn(id: string, handle: number, command: CommandSpec): { pid: number };
  signal(id: string, handle: number, name: string): void;
  exec(id: string, request: ExecRequest): ExecResult;
  openTerminal(id: string, request: TerminalRequest): TerminalInfo;
  terminals(id: string): TerminalInfo[];
  attach(
    id: string,
    terminalId: string,
    handle: number,
    options: { label: string; writer: boolean; fromOffset?: number },
  ): { terminal: TerminalInfo; screen: Uint8Array; offset: number };
  hangup(id: string, terminalId: string): void;
  consoleLog(id: string): Uint8Array;
  stat(id: string, path: string): FileInfo;
  readFile(id: string, path: string): Uint8Array;
  writeFile(id: string, path: string, content: Uint8Array, attributes?: FileAttributes): void;
  appendFile(id: string, path: string, content: Uint8Array, attributes?: FileAttributes): void;
  removeFile(id: string, path: string, recursive: boolean): void;
  listDirectory(id: string, path: string): FileInfo[];
  makeDirectory(id: string, path: string, attributes?: FileAttributes): void;
  readTree(id: string, handle: number, path: string): void;
  writeTree(
    id: string,
    handle: number,
    path: string,
    attributes?: FileAttributes,
  ): { files: number; bytes: number };
  connect(id: string, handle: number, port: number): void;
  sftp(id: string, handle: number, user: string): void;
  inspect(id: string, part: InspectPart, key?: string): unknown;
  sync(id: string): void;
  findUser(
    id: string,
    name: string,
  ): { name: string; uid: number; gid: number; home: string; shell: string } | null;
  metrics(): Record<string, number>;
  /** Puts every machine to sleep in the store; the worker is idle afterwards. */
  close(): void;
}

/** The same as birpc sees it. */
export type WrappedCalls = {
  [K in keyof WorkerCalls]: (
    ...args: Parameters<WorkerCalls[K]>
  ) => Promise<Answer<ReturnType<WorkerCalls[K]>>>;
};

/** What a worker tells the host. */
export interface HostCalls {
  event(event: VmEvent): void;
  log(level: 'info' | 'warn' | 'error', message: string, fields?: Record<string, unknown>): void;
  ready(): void;
}

/** What a worker is started with. */
export interface WorkerStart {
  imagePath: string;
  storeFolder: string;
  hibernateAfterSec: number;
  /** Most frames of 4 KiB that its machine may use. */
  maxFrames: number;
}
