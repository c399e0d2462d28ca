/** The whole server as another process, as `npm start` runs it, with its demo course, on ports of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export const OOPSBOX = new URL('../../clients/cli/oopsbox.mjs', import.meta.url).pathname;

export interface Demo {
  url: string;
  vm: { id: string; name: string; address: string };
  tokens: Record<'admin' | 'instructor' | 'assistant' | 'student' | 'grader', string>;
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const START_MS = 120_000;

export class LabProcess {
  readonly folder = mkdtempSync(join(tmpdir(), 'oopsbox-lab-'));
  #child: ChildProcess | null = null;
  #output = '';
  #port = 0;
  #sshPort = 0;

  get output(): string {
    return this.#output;
  }

  get sshPort(): number {
    return this.#sshPort;
  }

  /** Starts it (again: over the same data) and waits until it answers. */
  async start(): Promise<Demo> {
    this.#port ||= await freePort();
    this.#sshPort ||= await freePort();
    const child = spawn(process.execPath, [OOPSBOX, 'start'], {
      env: {
        ...process.env,
        OOPSBOX_DATA: this.folder,
        OOPSBOX_PORT: String(this.#port),
        OOPSBOX_SSH_PORT: String(this.#sshPort),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => {
        this.#output += chunk;
      });
    const deadline = Date.now() + START_MS;
    while (!(await this.#ready())) {
      if (child.exitCode !== null || Date.now() > deadline)
        throw new Error(`the server did not start:\n${this.#output}`);
      await sleep(100);
    }
    return JSON.parse(readFileSync(join(this.folder, 'demo.json'), 'utf8'));
  }

  async #ready(): Promise<boolean> {
    if (!existsSync(join(this.folder, 'demo.json'))) return false;
    return fetch(`http://127.0.0.1:${this.#port}/readyz`).then(
      (answer) => answer.ok,
      () => false,
    );
  }

  /** Ends the server with a signal and waits for it; answers its exit code. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const child = this.#child;
    if (!child) return null;
    this.#child = null;
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    child.kill(signal);
    return ended;
  }

  async close(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
