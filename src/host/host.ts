/**
 * The host: which worker has which machine, and their calls. Always true: a machine is in one worker for as long as that worker
 * lives, so that one thread alone writes its disk; the host itself keeps nothing that is not in the store.
 */
import type { Readable } from 'node:stream';
import type { WorkerCalls } from './calls.ts';
import {
  attachmentOf,
  duplexShape,
  processHandle,
  processShape,
  readerShape,
  viewerShape,
  writerShape,
} from './endpoint.ts';
import { type WorkerLink, WorkerPool } from './pool.ts';
import { type StoredVm, StoreError, type VmStore } from './store-types.ts';
import type {
  CommandSpec,
  ExecRequest,
  Host,
  InspectPart,
  ProcessHandle,
  TerminalAttachment,
  VmEvent,
  VmSpec,
  VmStatus,
} from './types.ts';
import { HostError } from './types.ts';
import { ownBytes } from './wire.ts';

type Attributes = { mode?: number; uid?: number; gid?: number };

/** What the store alone knows of a machine that no worker has asked for yet. */
function storedStatus(stored: StoredVm): VmStatus {
  const { spec, power, error, asleep, diskBytes } = stored;
  const state = error !== '' ? 'ERROR' : power === 'off' ? 'SHUTOFF' : asleep ? 'SUSPENDED' : 'ACTIVE';
  return {
    id: spec.id,
    state,
    kernel: {
      release: spec.kernel ?? '',
      health: power === 'off' ? 'halted' : 'running',
      taint: 0,
      uptimeSec: 0,
    },
    memory: { quotaBytes: spec.quotas.memoryMiB * 2 ** 20, usedBytes: 0 },
    disk: { quotaBytes: spec.quotas.diskMiB * 2 ** 20, usedBytes: diskBytes },
    instructions: 0,
  };
}

export interface HostParts {
  store: VmStore;
  imagePath: string;
  defaultKernel: string;
  workers: number;
  maxFrames: number;
  hibernateAfterSec: number;
  log(level: 'info' | 'warn' | 'error', message: string, fields?: Record<string, unknown>): void;
}

export class WorkerHost implements Host {
  readonly pool: WorkerPool;
  readonly #store: VmStore;
  readonly #defaultKernel: string;
  readonly #home = new Map<string, WorkerLink>();
  readonly #listeners = new Set<(event: VmEvent) => void>();
  #closed: Promise<void> | null = null;

  constructor(parts: HostParts) {
    const { store, imagePath, workers, maxFrames, hibernateAfterSec, log } = parts;
    this.#store = store;
    this.#defaultKernel = parts.defaultKernel;
    this.pool = new WorkerPool({
      start: { imagePath, storeFolder: store.folder, hibernateAfterSec, maxFrames },
      count: workers,
      log,
      onEvent: (event) => {
        for (const listener of this.#listeners) listener(event);
      },
      onLost: (machines) => {
        for (const id of machines) this.#home.delete(id);
      },
    });
  }

  /** The worker that has (or from now on has) the machine. */
  #link(id: string): WorkerLink {
    if (this.#closed) throw new HostError('closed', 'the host is closed');
    const home = this.#home.get(id);
    if (home && !home.lost) return home;
    if (!this.#store.get(id)) throw new HostError('no-such-vm', `there is no machine ${id}`);
    return this.#place(id);
  }

  #place(id: string, on = this.pool.least()): WorkerLink {
    this.#home.set(id, on);
    on.machines.add(id);
    return on;
  }

  #unplace(id: string): void {
    this.#home.get(id)?.machines.delete(id);
    this.#home.delete(id);
  }

  async #call<K extends keyof WorkerCalls>(
    name: K,
    id: string,
    ...rest: Parameters<WorkerCalls[K]> extends [string, ...infer R] ? R : never
  ): Promise<ReturnType<WorkerCalls[K]>> {
    const args = [id, ...rest] as unknown as Parameters<WorkerCalls[K]>;
    return this.#link(id).call(name, ...args);
  }

  /** The machine is in a worker, whether made or not. */
  async #making<T>(
    id: string,
    on: WorkerLink | undefined,
    work: (link: WorkerLink) => Promise<T>,
  ): Promise<T> {
    if (this.#closed) throw new HostError('closed', 'the host is closed');
    if (this.#home.has(id) || this.#store.get(id))
      throw new HostError('exists', `there is a machine ${id} already`);
    const link = this.#place(id, on);
    try {
      return await work(link);
    } catch (error) {
      if (!this.#store.get(id)) this.#unplace(id);
      throw error;
    }
  }

  create(spec: VmSpec): Promise<VmStatus> {
    return this.#making(spec.id, undefined, (link) => link.call('create', spec));
  }

  async list(): Promise<VmStatus[]> {
    if (this.#closed) throw new HostError('closed', 'the host is closed');
    const all = this.#store.list();
    return Promise.all(all.map((stored) => this.status(stored.spec.id).catch(() => storedStatus(stored))));
  }

  async status(id: string): Promise<VmStatus> {
    if (!this.#home.has(id)) {
      const stored = this.#store.get(id);
      if (!stored) throw new HostError('no-such-vm', `there is no machine ${id}`);
      const status = storedStatus(stored);
      status.kernel.release ||= this.#defaultKernel;
      return status;
    }
    return this.#call('status', id);
  }

  start(id: string): Promise<VmStatus> {
    return this.#call('start', id);
  }
  stop(id: string, how: 'soft' | 'hard'): Promise<VmStatus> {
    return this.#call('stop', id, how);
  }
  reboot(id: string, how: 'soft' | 'hard'): Promise<VmStatus> {
    return this.#call('reboot', id, how);
  }
  rebuild(id: string, change: { kernel?: string } = {}): Promise<VmStatus> {
    return this.#call('rebuild', id, change);
  }

  async fork(
    id: string,
    spec: { id: string; hostname?: string; deterministic?: boolean },
  ): Promise<VmStatus> {
    const parent = this.#link(id);
    // Beside its parent, so that they share memory.
    return this.#making(spec.id, parent, (link) => link.call('fork', id, spec));
  }

  update(id: string, change: Partial<Pick<VmSpec, 'quotas' | 'hostname' | 'kernel'>>): Promise<VmStatus> {
    return this.#call('update', id, change);
  }
  suspend(id: string): Promise<VmStatus> {
    return this.#call('suspend', id);
  }

  async remove(id: string): Promise<void> {
    await this.#call('remove', id);
    this.#unplace(id);
  }

  snapshot(id: string, snapshotId: string): Promise<{ bytes: number }> {
    return this.#call('snapshot', id, snapshotId);
  }
  restore(id: string, snapshotId: string): Promise<VmStatus> {
    return this.#call('restore', id, snapshotId);
  }
  removeSnapshot(id: string, snapshotId: string): Promise<void> {
    return this.#call('removeSnapshot', id, snapshotId);
  }

  async spawn(id: string, command: CommandSpec): Promise<ProcessHandle> {
    const link = this.#link(id);
    const endpoint = link.open(processShape);
    const { handle } = endpoint;
    try {
      const { pid } = await link.call('spawn', id, handle, command);
      return processHandle(endpoint, pid, (name) => link.call('signal', id, handle, name));
    } catch (error) {
      endpoint.lose(error as Error);
      throw error;
    }
  }

  exec(id: string, request: ExecRequest): ReturnType<Host['exec']> {
    const stdin = request.stdin && ownBytes(request.stdin);
    return this.#call('exec', id, { ...request, stdin });
  }

  openTerminal(id: string, options: Parameters<Host['openTerminal']>[1]): ReturnType<Host['openTerminal']> {
    return this.#call('openTerminal', id, options);
  }
  terminals(id: string): ReturnType<Host['terminals']> {
    return this.#call('terminals', id);
  }

  async attach(
    id: string,
    terminalId: string,
    options: { label: string; writer: boolean; fromOffset?: number },
  ): Promise<TerminalAttachment> {
    const link = this.#link(id);
    const endpoint = link.open(viewerShape(options.writer));
    const { handle } = endpoint;
    try {
      const begin = await link.call('attach', id, terminalId, handle, options);
      return attachmentOf(endpoint, begin, (name) => link.call('signal', id, handle, name));
    } catch (error) {
      endpoint.lose(error as Error);
      throw error;
    }
  }

  hangup(id: string, terminalId: string): Promise<void> {
    return this.#call('hangup', id, terminalId);
  }
  consoleLog(id: string): Promise<Uint8Array> {
    return this.#call('consoleLog', id);
  }

  stat(id: string, path: string): ReturnType<Host['stat']> {
    return this.#call('stat', id, path);
  }
  readFile(id: string, path: string): Promise<Uint8Array> {
    return this.#call('readFile', id, path);
  }
  writeFile(id: string, path: string, content: Uint8Array, attributes?: Attributes): Promise<void> {
    return this.#call('writeFile', id, path, ownBytes(content), attributes);
  }
  appendFile(id: string, path: string, content: Uint8Array, attributes?: Attributes): Promise<void> {
    return this.#call('appendFile', id, path, ownBytes(content), attributes);
  }
  removeFile(id: string, path: string, options: { recursive?: boolean } = {}): Promise<void> {
    return this.#call('removeFile', id, path, options.recursive === true);
  }
  listDirectory(id: string, path: string): ReturnType<Host['listDirectory']> {
    return this.#call('listDirectory', id, path);
  }
  makeDirectory(id: string, path: string, attributes?: Attributes): Promise<void> {
    return this.#call('makeDirectory', id, path, attributes);
  }

  async readTree(id: string, path: string): Promise<Readable> {
    const link = this.#link(id);
    const endpoint = link.open(readerShape);
    try {
      await link.call('readTree', id, endpoint.handle, path);
    } catch (error) {
      endpoint.lose(error as Error);
      throw error;
    }
    return endpoint.outputs[0];
  }

  async writeTree(
    id: string,
    path: string,
    tar: Readable,
    attributes?: { uid?: number; gid?: number },
  ): Promise<{ files: number; bytes: number }> {
    const link = this.#link(id);
    const endpoint = link.open(writerShape);
    const { input } = endpoint;
    if (!input) throw new Error('a writer has an input');
    tar.on('error', () => endpoint.close());
    tar.pipe(input);
    try {
      return await link.call('writeTree', id, endpoint.handle, path, attributes);
    } finally {
      tar.unpipe(input);
      endpoint.close();
    }
  }

  async connect(id: string, port: number): ReturnType<Host['connect']> {
    const link = this.#link(id);
    const endpoint = link.open(duplexShape);
    try {
      await link.call('connect', id, endpoint.handle, port);
    } catch (error) {
      endpoint.lose(error as Error);
      throw error;
    }
    if (!endpoint.input) throw new Error('a connection has an input');
    return { input: endpoint.input, output: endpoint.outputs[0] };
  }

  async sftp(id: string, user: string): ReturnType<Host['sftp']> {
    const link = this.#link(id);
    const endpoint = link.open(duplexShape);
    try {
      await link.call('sftp', id, endpoint.handle, user);
    } catch (error) {
      endpoint.lose(error as Error);
      throw error;
    }
    if (!endpoint.input) throw new Error('a session has an input');
    return { input: endpoint.input, output: endpoint.outputs[0] };
  }

  inspect(id: string, part: InspectPart, key?: string): Promise<unknown> {
    return this.#call('inspect', id, part, key);
  }
  async sync(id: string): Promise<void> {
    if (this.#home.has(id)) await this.#call('sync', id);
    else this.#link(id);
  }
  findUser(id: string, name: string): ReturnType<Host['findUser']> {
    return this.#call('findUser', id, name);
  }

  onEvent(listener: (event: VmEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async metrics(): Promise<Record<string, number>> {
    const sum: Record<string, number> = {
      workers: this.pool.links.filter(({ lost }) => !lost).length,
      workers_lost_total: this.pool.lostWorkers,
      vms: this.#store.list().length,
    };
    const each = await Promise.allSettled(this.pool.links.map((link) => link.call('metrics')));
    for (const result of each)
      if (result.status === 'fulfilled')
        for (const [name, value] of Object.entries(result.value)) sum[name] = (sum[name] ?? 0) + value;
    return sum;
  }

  close(): Promise<void> {
    this.#closed ??= this.pool.close().then(() => this.#store.close());
    return this.#closed;
  }
}

export { StoreError };
