/**
 * /var/log/auth.log of a machine, in the words of sshd and the form of Debian's rsyslog. Always true: lines arrive in the order in which
 * they were said; what cannot be written (the machine is gone, its disk is full) is let go, as a log daemon does.
 */
import type { Host } from '../../host/types.ts';

const PATH = '/var/log/auth.log';
/** Lines that wait for a write at most; a flood loses the rest. */
const MAX_WAITING = 1000;
const ADM_GID = 4;

/** `2026-11-22T19:47:28.123456+00:00`. */
function timestamp(): string {
  const nowMs = performance.timeOrigin + performance.now();
  const micros = Math.floor((nowMs % 1) * 1000);
  return `${new Date(nowMs).toISOString().slice(0, -1)}${String(micros).padStart(3, '0')}+00:00`;
}

/** Text as syslog keeps it: control characters and what is not ASCII in octal (vis(3)). */
const visible = (text: string): string =>
  [...Buffer.from(text.slice(0, 1000))]
    .map((byte) =>
      byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, '0')}`,
    )
    .join('');

export class AuthLog {
  readonly #host: Host;
  readonly #waiting = new Map<string, string[]>();
  readonly #writing = new Map<string, Promise<void>>();

  constructor(host: Host) {
    this.#host = host;
  }

  /** Adds a line; `pid` is what stands in the brackets after `sshd-session`. */
  write(vm: { id: string; name: string }, pid: number, text: string): void {
    const lines = this.#waiting.get(vm.id) ?? [];
    if (lines.length >= MAX_WAITING) return;
    lines.push(`${timestamp()} ${vm.name} sshd-session[${pid}]: ${visible(text)}\n`);
    this.#waiting.set(vm.id, lines);
    if (!this.#writing.has(vm.id)) this.#writing.set(vm.id, this.#drain(vm.id));
  }

  async #drain(vmId: string): Promise<void> {
    // One turn of the event loop, so that lines said together are written together.
    await Promise.resolve();
    for (let lines = this.#take(vmId); lines; lines = this.#take(vmId)) {
      const content = Buffer.from(lines.join(''));
      await this.#host
        .appendFile(vmId, PATH, content, { mode: 0o640, uid: 0, gid: ADM_GID })
        .catch(() => undefined);
    }
    this.#writing.delete(vmId);
  }

  #take(vmId: string): string[] | undefined {
    const lines = this.#waiting.get(vmId);
    this.#waiting.delete(vmId);
    return lines;
  }

  /** Resolves when everything said so far is written. */
  async flush(): Promise<void> {
    await Promise.all(this.#writing.values());
  }
}
