/**
 * /var/log/auth.log of a machine, in the words of sshd and the form of Debian's rsyslog. Always true: lines arrive in the order in which
 * they were said; what cannot be written (the machine is gone, its disk is full) is let go, as a log daemon does.
 */
import type { Host } from '../../host/types.ts';

const PATH = '/var/log/auth.log';
/** Lines that wait for a write at most; a flood loses the rest. */
const MAX_WAITING = 1000;
const ADM_GID = 4;
/** A log of this size is moved to auth.log.1, as logrotate would: strangers at the door must not fill a student's disk. */
const MAX_BYTES = 2 * 1024 * 1024;

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
  /** Bytes since the size was last looked at. */
  readonly #written = new Map<string, number>();
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

  /** Looks at the size once for every so many bytes written. */
  async #rotate(vmId: string, bytes: number): Promise<void> {
    const written = (this.#written.get(vmId) ?? MAX_BYTES) + bytes;
    this.#written.set(vmId, written);
    if (written < MAX_BYTES / 4) return;
    this.#written.set(vmId, 0);
    const { size } = await this.#host.stat(vmId, PATH);
    if (size < MAX_BYTES) return;
    const attributes = { mode: 0o640, uid: 0, gid: ADM_GID };
    await this.#host.writeFile(vmId, `${PATH}.1`, await this.#host.readFile(vmId, PATH), attributes);
    await this.#host.writeFile(vmId, PATH, new Uint8Array(0), attributes);
  }

  async #drain(vmId: string): Promise<void> {
    // One turn of the event loop, so that lines said together are written together.
    await Promise.resolve();
    for (let lines = this.#take(vmId); lines; lines = this.#take(vmId)) {
      const content = Buffer.from(lines.join(''));
      await this.#host
        .appendFile(vmId, PATH, content, { mode: 0o640, uid: 0, gid: ADM_GID })
        .then(() => this.#rotate(vmId, content.length))
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
