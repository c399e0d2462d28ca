/**
 * The worker threads: started, watched, replaced. Always true: a worker that dies takes nothing with it but memory: its calls and
 * streams fail with `worker-lost`, and the one in its place finds its machines in the store.
 */
import { Worker } from 'node:worker_threads';
import { createBirpc } from 'birpc';
import type { HostCalls, WorkerCalls, WorkerStart, WrappedCalls } from './calls.ts';
import { Endpoint } from './endpoint.ts';
import { HostError, type VmEvent } from './types.ts';
import { type Answer, type FromWorker, hostError } from './wire.ts';

/** Workers that die in a row without having been ready, before the host gives up. */
const MAX_FALSE_STARTS = 5;

type Log = (level: 'info' | 'warn' | 'error', message: string, fields?: Record<string, unknown>) => void;

/** One worker thread and its port. */
export class WorkerLink {
  readonly index: number;
  /** Machines that were given to it. */
  readonly machines = new Set<string>();
  readonly ready: Promise<void>;
  lost = false;
  readonly #worker: Worker;
  readonly #endpoints = new Map<number, Endpoint>();
  readonly #pending = new Set<(error: Error) => void>();
  readonly #rpc: ReturnType<typeof createBirpc<WrappedCalls, HostCalls>>;
  #nextHandle = 1;

  constructor(
    index: number,
    start: WorkerStart,
    hear: HostCalls,
    onDeath: (link: WorkerLink, error: Error) => void,
  ) {
    this.index = index;
    const worker = new Worker(new URL('./worker/start.mjs', import.meta.url), {
      workerData: start,
      name: `oopsbox worker ${index}`,
    });
    this.#worker = worker;
    let begin: () => void = () => {};
    this.ready = new Promise((resolve, reject) => {
      begin = resolve;
      this.#pending.add(reject);
    });
    this.ready.catch(() => {});
    this.#rpc = createBirpc<WrappedCalls, HostCalls>(
      {
        ...hear,
        ready: () => {
          begin();
          hear.ready();
        },
      },
      {
        post: (message) => worker.postMessage(message),
        on: (listener) => worker.on('message', (message) => !Array.isArray(message) && listener(message)),
        timeout: -1,
      },
    );
    worker.on('message', (message: unknown) => {
      if (Array.isArray(message)) this.#endpoints.get(message[1])?.accept(message as FromWorker);
    });
    let cause: Error = new Error('the worker ended');
    worker.on('error', (error) => {
      cause = error as Error;
    });
    worker.on('exit', () => {
      this.lost = true;
      this.#fail(new HostError('worker-lost', `the worker of this machine was lost: ${cause.message}`));
      onDeath(this, cause);
    });
  }

  #fail(error: Error): void {
    for (const reject of this.#pending) reject(error);
    this.#pending.clear();
    for (const endpoint of [...this.#endpoints.values()]) endpoint.lose(error);
    this.#rpc.$close(error);
  }

  /** A call, unwrapped; rejects with a HostError when the worker dies meanwhile. */
  call<K extends keyof WorkerCalls>(
    name: K,
    ...args: Parameters<WorkerCalls[K]>
  ): Promise<ReturnType<WorkerCalls[K]>> {
    if (this.lost) return Promise.reject(new HostError('worker-lost', 'the worker of this machine was lost'));
    return new Promise((resolve, reject) => {
      this.#pending.add(reject);
      const answered = this.#rpc.$callRaw({ method: name, args }) as unknown as Promise<
        Answer<ReturnType<WorkerCalls[K]>>
      >;
      answered.then(
        (answer) => {
          this.#pending.delete(reject);
          if ('error' in answer) reject(hostError(answer.error));
          else resolve(answer.ok);
        },
        (error: Error) => {
          if (this.#pending.delete(reject)) reject(error);
        },
      );
    });
  }

  /** A new stream handle. */
  open(shape: { outputs: number; input: boolean; window: number }): Endpoint {
    const handle = this.#nextHandle++;
    const endpoint = new Endpoint(
      (message) => {
        if (!this.lost) this.#worker.postMessage(message);
      },
      handle,
      shape,
      () => this.#endpoints.delete(handle),
    );
    this.#endpoints.set(handle, endpoint);
    return endpoint;
  }

  terminate(): Promise<number> {
    return this.#worker.terminate();
  }
}

export interface PoolOptions {
  start: WorkerStart;
  count: number;
  log: Log;
  onEvent(event: VmEvent): void;
  /** Machines that a lost worker had. */
  onLost(machines: ReadonlySet<string>): void;
}

export class WorkerPool {
  readonly links: WorkerLink[] = [];
  lostWorkers = 0;
  readonly #options: PoolOptions;
  #closing = false;
  #falseStarts = 0;

  constructor(options: PoolOptions) {
    this.#options = options;
    for (let index = 0; index < options.count; index++) this.links.push(this.#startWorker(index));
  }

  #startWorker(index: number): WorkerLink {
    const { start, log, onEvent } = this.#options;
    const hear: HostCalls = {
      event: onEvent,
      log,
      ready: () => {
        this.#falseStarts = 0;
      },
    };
    return new WorkerLink(index, start, hear, (link, error) => this.#died(link, error));
  }

  #died(link: WorkerLink, error: Error): void {
    if (this.#closing) return;
    const { log, onLost } = this.#options;
    this.lostWorkers++;
    this.#falseStarts++;
    log('error', `worker ${link.index} died`, {
      error: error.stack ?? error.message,
      machines: link.machines.size,
    });
    if (this.#falseStarts > MAX_FALSE_STARTS) {
      log('error', `worker ${link.index} dies whenever it starts; it is not started again`);
      return;
    }
    this.links[link.index] = this.#startWorker(link.index);
    onLost(link.machines);
  }

  /** The worker with the fewest machines. */
  least(): WorkerLink {
    const alive = this.links.filter(({ lost }) => !lost);
    if (alive.length === 0) throw new HostError('worker-lost', 'no worker is alive; restart the server');
    return alive.reduce((best, link) => (link.machines.size < best.machines.size ? link : best));
  }

  /** Puts every machine to sleep and ends the threads. */
  async close(): Promise<void> {
    this.#closing = true;
    await Promise.allSettled(this.links.map((link) => link.call('close')));
    await Promise.allSettled(this.links.map((link) => link.terminate()));
  }
}
