/** A host over a folder of its own, and somebody who uses its machines. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ExecResult,
  openHost,
  type TerminalAttachment,
  type VmEvent,
  type VmQuotas,
  type VmSpec,
  type WorkerHost,
} from '../../src/host/index.ts';

export const QUOTAS: VmQuotas = {
  memoryMiB: 512,
  diskMiB: 1024,
  maxTasks: 1024,
  maxOpenFiles: 65536,
  cpuShare: 100,
  outputBytesPerSec: 4_000_000,
};

export const spec = (id: string, more: Partial<VmSpec> = {}): VmSpec => ({
  id,
  hostname: id,
  deterministic: false,
  quotas: QUOTAS,
  ...more,
});

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');

/** What a command came to, as text. */
export type Said = Omit<ExecResult, 'stdout' | 'stderr'> & { stdout: string; stderr: string };

export class Site {
  host!: WorkerHost;
  readonly folder: string;
  readonly events: VmEvent[] = [];
  readonly log: string[] = [];
  readonly #options: { workers?: number; hibernateAfterSec?: number };

  constructor(options: { workers?: number; hibernateAfterSec?: number } = {}) {
    this.#options = { workers: 1, ...options };
    this.folder = mkdtempSync(join(tmpdir(), 'oopsbox-host-'));
  }

  async open(): Promise<this> {
    this.host = await openHost({
      dataFolder: this.folder,
      ...this.#options,
      log: (level, message) => void this.log.push(`${level}: ${message}`),
    });
    this.host.onEvent((event) => this.events.push(event));
    return this;
  }

  async close(): Promise<void> {
    await this.host.close();
  }

  async destroy(): Promise<void> {
    await this.host.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Runs a shell command as root. */
  async sh(
    id: string,
    command: string,
    more: {
      user?: string;
      stdin?: string;
      instructions?: number;
      seconds?: number;
      outputBytes?: number;
    } = {},
  ): Promise<Said> {
    const result = await this.host.exec(id, {
      argv: ['/bin/bash', '-c', command],
      user: more.user,
      stdin: more.stdin === undefined ? undefined : Buffer.from(more.stdin),
      budget: {
        instructions: more.instructions ?? 5e9,
        virtualSeconds: more.seconds ?? 60,
        outputBytes: more.outputBytes ?? 1e6,
      },
    });
    return { ...result, stdout: text(result.stdout), stderr: text(result.stderr) };
  }

  /** The output of a command that must succeed. */
  async out(id: string, command: string, more: Parameters<Site['sh']>[2] = {}): Promise<string> {
    const said = await this.sh(id, command, more);
    if (said.exitCode !== 0) throw new Error(`${command}: ${JSON.stringify(said)}`);
    return said.stdout;
  }

  /** A terminal with somebody at it. */
  async terminal(id: string, more: { user?: string; argv?: string[]; label?: string } = {}): Promise<Typist> {
    const { user = 'student', argv, label = 'typist' } = more;
    const { id: terminal } = await this.host.openTerminal(id, { user, argv, size: { rows: 24, cols: 80 } });
    return new Typist(await this.host.attach(id, terminal, { label, writer: true }));
  }

  async event(kind: VmEvent['kind'], vmId: string): Promise<VmEvent> {
    return until(() => this.events.find((event) => event.kind === kind && event.vmId === vmId), kind);
  }
}

/** Waits until something is there. */
export async function until<T>(
  look: () => T | undefined | false | null,
  what: string,
  ms = 30_000,
): Promise<T> {
  for (const end = performance.now() + ms; performance.now() < end; ) {
    const found = look();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`waited in vain for ${what}`);
}

/** Somebody who types and reads. */
export class Typist {
  readonly attachment: TerminalAttachment;
  seen = '';
  /** Everything since the last {@link until}. */
  #unread = '';
  #bell: (() => void) | null = null;

  constructor(attachment: TerminalAttachment) {
    this.attachment = attachment;
    this.#take(text(attachment.screen));
    attachment.output.on('data', (bytes: Buffer) => this.#take(bytes.toString('latin1')));
  }

  #take(more: string): void {
    this.seen += more;
    this.#unread += more;
    this.#bell?.();
  }

  type(keys: string): void {
    this.attachment.input?.write(keys);
  }

  /** Waits for text after what was waited for before. */
  async until(wanted: string | RegExp, ms = 30_000): Promise<string> {
    const end = performance.now() + ms;
    for (;;) {
      const at = typeof wanted === 'string' ? this.#unread.indexOf(wanted) : this.#unread.search(wanted);
      if (at >= 0) {
        const length =
          typeof wanted === 'string' ? wanted.length : (wanted.exec(this.#unread)?.[0].length ?? 0);
        const found = this.#unread.slice(0, at + length);
        this.#unread = this.#unread.slice(at + length);
        return found;
      }
      const left = end - performance.now();
      if (left <= 0) throw new Error(`${wanted} did not come; there is: ${JSON.stringify(this.#unread)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#bell = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}
