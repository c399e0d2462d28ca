/** A whole lab server on free ports over a folder of its own, with the demo course; and the calls of its people. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { type DemoFile, seedDemo } from '../../src/lab/demo.ts';
import { type OpenServer, openServer, type ServerSettings } from '../../src/server/server.ts';

export type Who = keyof DemoFile['tokens'];

export interface Answer<T> {
  status: number;
  headers: Headers;
  text: string;
  /** The body, when it is JSON. */
  body: T;
}

export class TestLab {
  readonly server: OpenServer;
  readonly demo: DemoFile;
  readonly folder: string;
  readonly #ownFolder: boolean;
  constructor(server: OpenServer, demo: DemoFile, folder: string, ownFolder: boolean) {
    this.server = server;
    this.demo = demo;
    this.folder = folder;
    this.#ownFolder = ownFolder;
  }

  /** One call; a body that is no bytes and no text is sent as JSON. */
  async call<T = Record<string, unknown>>(
    who: Who | null,
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<T>> {
    const raw = typeof body === 'string' || body instanceof Uint8Array;
    const response = await fetch(`${this.server.url}/api/v1${path}`, {
      method,
      headers: {
        ...(who === null ? {} : { authorization: `Bearer ${this.demo.tokens[who]}` }),
        ...(body === undefined || raw ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? undefined : raw ? (body as string) : JSON.stringify(body),
    });
    const text = await response.text();
    const json = response.headers.get('content-type')?.includes('json') && text !== '';
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: (json ? JSON.parse(text) : undefined) as T,
    };
  }

  /** Makes a machine of the demo course; the demo's own is left as it is. */
  async makeVm(name: string, more: object = {}): Promise<string> {
    const { status, text, body } = await this.call<{ id: string }>('instructor', 'POST', '/vms', {
      course: 'demo',
      name,
      owner: 'anil',
      ...more,
    });
    if (status !== 201) throw new Error(`POST /vms: ${status} ${text}`);
    return body.id;
  }

  /** Runs a command as the student and answers its standard output. */
  async run(id: string, command: string, user?: string): Promise<string> {
    const { status, text, body } = await this.call<{ stdout: string; stderr: string }>(
      'student',
      'POST',
      `/vms/${id}/exec`,
      { command, user },
    );
    if (status !== 200) throw new Error(`exec: ${status} ${text}`);
    return body.stdout + body.stderr;
  }

  terminal(who: Who, path: string): Terminal {
    const url = `${this.server.url.replace('http', 'ws')}/api/v1${path}`;
    return new Terminal(
      new WebSocket(url, { headers: { authorization: `Bearer ${this.demo.tokens[who]}` } }),
    );
  }

  async close(): Promise<void> {
    await this.server.close();
    if (this.#ownFolder) rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Starts one; close it. */
export async function startLab(settings: Partial<ServerSettings> = {}, folder?: string): Promise<TestLab> {
  const dataFolder = folder ?? mkdtempSync(join(tmpdir(), 'oopsbox-lab-'));
  let demo: DemoFile | null = null;
  const server = await openServer({
    dataFolder,
    bindHost: '127.0.0.1',
    port: 0,
    sshPort: null,
    workers: 1,
    ...settings,
    prepare: async ({ lab, url }) => {
      demo = await seedDemo({ lab, dataFolder, url, empty: false });
    },
  });
  return new TestLab(server, demo as unknown as DemoFile, dataFolder, folder === undefined);
}

interface Message {
  type?: string;
  [field: string]: unknown;
}

/** A client of a terminal (or of events): keeps what it sees. */
export class Terminal {
  readonly socket: WebSocket;
  readonly messages: Message[] = [];
  /** Everything drawn, screens included. */
  text = '';
  /** Position in the output of what was drawn last. */
  offset = 0;
  #screenLeft = 0;
  #listeners = new Set<() => void>();
  readonly closed: Promise<number>;
  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data: Buffer, binary) => {
      if (binary) {
        const fromScreen = Math.min(this.#screenLeft, data.length);
        this.#screenLeft -= fromScreen;
        this.offset += data.length - fromScreen;
        this.text = (this.text + data.toString('latin1')).slice(-1_000_000);
      } else {
        const message = JSON.parse(data.toString()) as Message;
        this.messages.push(message);
        if (message.type === 'ready' || message.type === 'resync') {
          this.offset = message.offset as number;
          this.#screenLeft = message.screen as number;
        }
      }
      for (const listener of this.#listeners) listener();
    });
    socket.on('error', () => {});
    this.closed = new Promise((resolve) =>
      socket.on('close', (code) => {
        resolve(code);
        for (const listener of this.#listeners) listener();
      }),
    );
  }

  /** Waits until something holds of what came so far. */
  async until<T>(what: string, find: () => T | undefined | false, timeoutMs = 30_000): Promise<T> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = find();
        if (found === undefined || found === false) return;
        clearTimeout(timer);
        this.#listeners.delete(look);
        resolve(found as T);
      };
      const timer = setTimeout(() => {
        this.#listeners.delete(look);
        reject(
          new Error(
            `no ${what}; seen: ${JSON.stringify(this.text.slice(-500))} ${JSON.stringify(this.messages.slice(-5))}`,
          ),
        );
      }, timeoutMs);
      this.#listeners.add(look);
      look();
    });
  }
  message(type: string): Promise<Message> {
    return this.until(type, () => this.messages.find((one) => one.type === type));
  }
  shows(text: string): Promise<boolean> {
    return this.until(JSON.stringify(text), () => this.text.includes(text));
  }
  type(text: string): void {
    this.socket.send(Buffer.from(text));
  }
  say(message: object): void {
    this.socket.send(JSON.stringify(message));
  }
}
