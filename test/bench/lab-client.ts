/** The lab server as a process of its own, and somebody who calls it: what `bench lab` measures with. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import WebSocket from 'ws';

const OOPSBOX = fileURLToPath(new URL('../../clients/cli/oopsbox.mjs', import.meta.url));

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export interface ExecAnswer {
  exitCode: number | null;
  stdout: string;
  stderr: string;
  kernelLog: { text: string }[];
}

/** A terminal over WebSocket in which keys are pressed one at a time. */
export class Typist {
  readonly #socket: WebSocket;
  #heard: (() => void) | null = null;
  readonly ready: Promise<void>;
  bytes = 0;

  constructor(url: string, token: string, id: string) {
    this.#socket = new WebSocket(`${url.replace('http', 'ws')}/vms/${id}/terminal?rows=24&cols=80`, {
      headers: { authorization: `Bearer ${token}` },
      perMessageDeflate: false,
    });
    let text = '';
    this.ready = new Promise((resolve, reject) => {
      this.#socket.on('error', reject);
      this.#socket.on('message', (data: Buffer, isBinary) => {
        if (!isBinary) return;
        this.bytes += data.length;
        if (text.length < 10_000) text += data.toString('latin1');
        if (/[$#] (?:.\[[?\d;]*[a-zA-Z])*$/.test(text)) resolve();
        this.#heard?.();
      });
    });
  }

  send(keys: string): void {
    this.#socket.send(Buffer.from(keys));
  }

  /** Milliseconds from a key to the first byte that comes back; Infinity when none does within ten seconds. */
  press(key: string): Promise<number> {
    const begin = performance.now();
    return new Promise((resolve) => {
      const timer = setTimeout(() => done(Number.POSITIVE_INFINITY), 10_000);
      const done = (ms: number): void => {
        clearTimeout(timer);
        this.#heard = null;
        resolve(ms);
      };
      this.#heard = () => done(performance.now() - begin);
      this.send(key);
    });
  }

  close(): void {
    this.#socket.terminate();
  }
}

/** Looks at what a terminal prints for ever, in a process of its own: a WebSocket that reads and throws away. */
const LOUD = `
const WebSocket = require(process.argv[1]);
const [, , url, token, command] = process.argv;
const socket = new WebSocket(url, { headers: { authorization: 'Bearer ' + token }, perMessageDeflate: false });
socket.on('error', () => {});
socket.on('message', (data, isBinary) => {
  if (!isBinary && data.toString().includes('"ready"')) setTimeout(() => socket.send(Buffer.from(command + '\\n')), 500);
});`;

export class LabServer {
  readonly #folder = mkdtempSync(join(tmpdir(), 'oopsbox-bench-'));
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });
  #child: ChildProcess | null = null;
  #token = '';
  url = '';

  async start(): Promise<this> {
    const port = await freePort();
    this.url = `http://127.0.0.1:${port}/api/v1`;
    let said = '';
    const child = spawn(process.execPath, [OOPSBOX, 'start'], {
      env: {
        ...process.env,
        OOPSBOX_DATA: this.#folder,
        OOPSBOX_PORT: String(port),
        OOPSBOX_SSH_PORT: 'off',
        OOPSBOX_LOG_LEVEL: 'warn',
        OOPSBOX_RATE_LIMIT: '100000000',
      },
    });
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (bytes: Buffer) => {
        said = (said + bytes.toString()).slice(-4000);
      });
    this.#child = child;
    for (;;) {
      if (child.exitCode !== null) throw new Error(`the server ended:\n${said}`);
      const answer = await fetch(this.url.replace('/api/v1', '/readyz')).catch(() => null);
      if (answer?.ok && existsSync(join(this.#folder, 'demo.json'))) break;
      await pause(100);
    }
    const demo = JSON.parse(readFileSync(join(this.#folder, 'demo.json'), 'utf8')) as {
      tokens: { instructor: string };
    };
    this.#token = demo.tokens.instructor;
    return this;
  }

  /** Resident memory of the server, bytes. */
  memory(): number {
    const status = readFileSync(`/proc/${this.#child?.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024;
  }

  /** A call of the API: the answer's JSON. Throws for anything but success. */
  call<T = unknown>(method: string, path: string, body?: unknown): Promise<T> {
    const raw = Buffer.isBuffer(body);
    const payload = body === undefined ? undefined : raw ? body : Buffer.from(JSON.stringify(body));
    return new Promise((resolve, reject) => {
      const call = request(
        `${this.url}${path}`,
        {
          method,
          agent: this.#agent,
          headers: {
            authorization: `Bearer ${this.#token}`,
            ...(payload && {
              'content-type': raw ? 'application/octet-stream' : 'application/json',
              'content-length': payload.length,
            }),
          },
        },
        (answer) => {
          const parts: Buffer[] = [];
          answer.on('data', (part: Buffer) => parts.push(part));
          answer.on('error', reject);
          answer.on('end', () => {
            const text = Buffer.concat(parts).toString();
            if ((answer.statusCode ?? 500) < 300) resolve((text === '' ? null : JSON.parse(text)) as T);
            else reject(new Error(`${method} ${path}: ${answer.statusCode} ${text}`));
          });
        },
      );
      call.on('error', reject);
      call.end(payload);
    });
  }

  async createVm(name: string, more: object = {}): Promise<string> {
    return (await this.call<{ id: string }>('POST', '/vms', { course: 'demo', name, ...more })).id;
  }

  exec(id: string, command: string, user = 'root'): Promise<ExecAnswer> {
    return this.call<ExecAnswer>('POST', `/vms/${id}/exec`, { command, user });
  }

  /** A terminal at its prompt. */
  async typist(id: string): Promise<Typist> {
    const typist = new Typist(this.url, this.#token, id);
    await typist.ready;
    return typist;
  }

  /** Somebody else's terminal, in which a command runs; answers how to close it. */
  loud(id: string, command: string): () => void {
    const url = `${this.url.replace('http', 'ws')}/vms/${id}/terminal?rows=24&cols=80`;
    const ws = createRequire(import.meta.url).resolve('ws');
    const child = spawn(process.execPath, ['-e', LOUD, ws, url, this.#token, command], { stdio: 'ignore' });
    return () => child.kill('SIGKILL');
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child && child.exitCode === null) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    }
    this.#agent.destroy();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Does `work` for each item, so many at a time. */
export async function inParallel<T>(items: readonly T[], lanes: number, work: (item: T) => Promise<void>) {
  const left = [...items];
  const lane = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}
