/** WebSockets: the terminal protocol, clients that are slow, silent, rude or gone. The terminal behind them is a pair of streams. */
import { PassThrough, Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { HostError, type ProcessExit, type TerminalAttachment, type VmEvent } from '../../src/host/types.ts';
import { LabError } from '../../src/lab/types.ts';
import type { App, Limits } from '../../src/server/context.ts';
import { UNACKED_BYTES } from '../../src/server/terminal-protocol.ts';
import { rawExchange, smallLab, startCore } from './core-fixture.ts';

const headers = { authorization: 'Bearer good' };
let app: App;
let url: string;
const attachments: FakeTerminal[] = [];
const clients: Client[] = [];
const hungUp: string[] = [];
const listeners = new Set<(event: VmEvent) => void>();

/** A terminal whose two ends the test holds. */
class FakeTerminal implements TerminalAttachment {
  readonly terminal = {
    id: 'tty1',
    pid: 7,
    user: 'student',
    size: { rows: 24, cols: 80 },
    createdSec: 0,
    viewers: [{ label: 'anil', writer: true }],
    exit: null,
  };
  readonly screen: Uint8Array;
  readonly offset: number;
  readonly output = new PassThrough({ highWaterMark: 64 * 1024 });
  readonly input: PassThrough | null;
  readonly sizes: { rows: number; cols: number }[] = [];
  readonly signals: string[] = [];
  detached = 0;
  end!: (exit: ProcessExit) => void;
  lose!: (error: Error) => void;
  readonly exit: Promise<ProcessExit>;
  constructor(writer: boolean, fromOffset?: number) {
    this.input = writer ? new PassThrough({ highWaterMark: 1024 }) : null;
    this.screen = fromOffset === undefined ? Buffer.from('screen') : new Uint8Array(0);
    this.offset = fromOffset ?? 100;
    this.exit = new Promise((resolve, reject) => {
      this.end = resolve;
      this.lose = reject;
    });
  }
  resize(size: { rows: number; cols: number }): void {
    this.sizes.push(size);
  }
  async signal(name: string): Promise<void> {
    this.signals.push(name);
  }
  screenTo: (screen: Uint8Array, offset: number) => void = () => {};
  onViewers(): void {}
  onScreen(listener: (screen: Uint8Array, offset: number) => void): void {
    this.screenTo = listener;
  }
  detach(): void {
    this.detached++;
  }
}

async function start(limits: Partial<Limits> = {}, mayWrite = true, over: object = {}): Promise<void> {
  ({ app, url } = await startCore(
    {
      openTerminal: async () => ({ ...new FakeTerminal(true).terminal }),
      attach: async (
        _id: string,
        terminal: string,
        { writer, fromOffset }: { writer: boolean; fromOffset?: number },
      ) => {
        if (terminal === 'none') throw new HostError('no-such-terminal', 'There is no such terminal.');
        const attachment = new FakeTerminal(writer, fromOffset);
        attachments.push(attachment);
        return attachment;
      },
      terminals: async () => [{ ...new FakeTerminal(true).terminal, viewers: [] }],
      hangup: async (_id: string, terminal: string) => void hungUp.push(terminal),
      onEvent: (listener: (event: VmEvent) => void) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    limits,
    { ...smallLab(), may: async () => mayWrite, ...over } as never,
  ));
}
/** A server for one test. */
let special = false;
async function restart(limits: Partial<Limits>, mayWrite = true, over: object = {}): Promise<void> {
  await app.close();
  special = true;
  await start(limits, mayWrite, over);
}
beforeAll(() => start());
afterAll(() => app.close());
afterEach(async () => {
  attachments.length = 0;
  for (const { socket } of clients.splice(0)) socket.terminate();
  if (!special) return;
  special = false;
  await app.close();
  await start();
});

/** A client that keeps what it hears. */
class Client {
  readonly socket: WebSocket;
  readonly messages: Record<string, unknown>[] = [];
  readonly #chunks: Buffer[] = [];
  count = 0;
  readonly closed: Promise<{ code: number; reason: string }>;
  constructor(path: string, options = { headers }) {
    clients.push(this);
    this.socket = new WebSocket(`${url.replace('http', 'ws')}/api/v1${path}`, options);
    this.socket.on('message', (data: Buffer, binary) => {
      if (binary) {
        this.#chunks.push(data);
        this.count += data.length;
      } else this.messages.push(JSON.parse(data.toString()));
    });
    this.socket.on('error', () => {});
    this.closed = new Promise((resolve) =>
      this.socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() })),
    );
  }
  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }
  async hears(type: string): Promise<Record<string, unknown>> {
    return vi.waitFor(() => {
      const found = this.messages.find((message) => message.type === type);
      if (found === undefined) throw new Error(`no ${type} yet`);
      return found;
    });
  }
}

async function terminal(query = '', options = { headers }): Promise<{ client: Client; tty: FakeTerminal }> {
  const client = new Client(`/vms/vm1/terminal${query}`, options);
  await client.hears('ready');
  return { client, tty: attachments.at(-1)! };
}

describe('a terminal', () => {
  it('says what it is, draws the screen, then the output; ends with the exit', async () => {
    const { client, tty } = await terminal();
    expect(await client.hears('ready')).toMatchObject({
      terminal: { id: 'tty1', user: 'student', pid: 7 },
      offset: 100,
      screen: 6,
      size: { rows: 24, cols: 80 },
      writer: true,
    });
    tty.output.end(' and more');
    tty.end({ exitCode: 3, signal: null });
    expect(await client.hears('exit')).toEqual({ type: 'exit', exitCode: 3, signal: null });
    expect((await client.closed).code).toBe(1000);
    expect(client.bytes.toString()).toBe('screen and more');
    expect(tty.detached).toBeGreaterThan(0);
  });

  it('takes keystrokes as bytes, window sizes and signals', async () => {
    const { client, tty } = await terminal();
    client.socket.send(Buffer.from([0x61, 0xff, 0x00]));
    client.socket.send(JSON.stringify({ type: 'resize', rows: 50, cols: 132 }));
    client.socket.send(JSON.stringify({ type: 'signal', name: 'SIGINT' }));
    await vi.waitFor(() => {
      expect(tty.input!.read()).toEqual(Buffer.from([0x61, 0xff, 0x00]));
    });
    await vi.waitFor(() => expect(tty.sizes).toEqual([{ rows: 50, cols: 132 }]));
    await vi.waitFor(() => expect(tty.signals).toEqual(['SIGINT']));
  });

  it('goes on where a connection dropped', async () => {
    const { client } = await terminal('?terminal=tty1&offset=4711');
    expect(await client.hears('ready')).toMatchObject({ offset: 4711, screen: 0 });
  });

  it('a viewer that lagged is given the screen anew', async () => {
    const { client, tty } = await terminal();
    tty.screenTo(Buffer.from('all new'), 9000);
    expect(await client.hears('resync')).toEqual({ type: 'resync', offset: 9000, screen: 7 });
    tty.output.write('!');
    await vi.waitFor(() => expect(client.bytes.toString()).toBe('screenall new!'));
  });

  it('a dropped connection takes the viewer away', async () => {
    const { client, tty } = await terminal();
    client.socket.terminate();
    await vi.waitFor(() => expect(tty.detached).toBeGreaterThan(0));
  });

  it('a lost worker is worth another try, a lost VM is not', async () => {
    const { client, tty } = await terminal();
    tty.lose(new HostError('worker-lost', 'The worker died.'));
    expect((await client.closed).code).toBe(1013);
    const other = await terminal();
    other.tty.lose(new HostError('no-such-vm', 'The VM was deleted.'));
    expect(await other.client.hears('error')).toMatchObject({ problem: '/problems/no-such-vm' });
  });

  it('who watches writes nothing, and is told so once', async () => {
    await restart({}, false);
    const { client, tty } = await terminal('?terminal=tty1');
    client.socket.send(Buffer.from('rm -rf'));
    client.socket.send(Buffer.from('rm -rf'));
    client.socket.send(JSON.stringify({ type: 'resize', rows: 5, cols: 5 }));
    client.socket.send(JSON.stringify({ type: 'signal', name: 'SIGKILL' }));
    await client.hears('notice');
    client.socket.ping();
    await new Promise((resolve) => client.socket.once('pong', resolve));
    expect(tty.input).toBeNull();
    expect(tty.sizes).toEqual([]);
    expect(tty.signals).toEqual([]);
    expect(client.messages.filter((message) => message.type === 'notice')).toHaveLength(1);
  });

  it('who may only watch opens no session', async () => {
    await restart({}, false);
    const text = await rawExchange(url, upgrade('/vms/vm1/terminal'));
    expect(text).toMatch(/^HTTP\/1.1 403 /);
    expect(text).toContain('/problems/forbidden');
  });
});

const upgrade = (path: string, more = '') =>
  `GET /api/v1${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
  `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nAuthorization: Bearer good\r\n${more}\r\n`;

describe('before the upgrade a problem document says no', () => {
  it.each([
    ['no credential', '/vms/vm1/terminal', '', 401, 'unauthenticated'],
    ['a used ticket', '/vms/vm1/terminal?ticket=gone', '', 401, 'bad-ticket'],
    ['an unknown VM', '/vms/vm2/terminal', 'good', 404, 'no-such-vm'],
    ['an unknown terminal', '/vms/vm1/terminal?terminal=none', 'good', 404, 'no-such-terminal'],
    ['rows that are none', '/vms/vm1/terminal?rows=0', 'good', 400, 'invalid-request'],
    ['rows that are words', '/vms/vm1/terminal?rows=many', 'good', 400, 'invalid-request'],
    ['an offset below zero', '/vms/vm1/terminal?terminal=tty1&offset=-1', 'good', 400, 'invalid-request'],
    ['a resource that is no WebSocket', '/vms/vm1/exec', 'good', 405, 'method-not-allowed'],
    ['a path that is not there', '/nothing', 'good', 404, 'not-found'],
    ['a list', '/vms', 'good', 400, 'bad-request'],
  ])('%s', async (_what, path, token, status, kind) => {
    const head = upgrade(path);
    const text = await rawExchange(url, token ? head : head.replace(/Authorization.*\r\n/, ''));
    expect(text).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(text).toContain(`/problems/${kind}`);
    expect(attachments).toHaveLength(0);
  });

  it('a ticket opens one WebSocket, once', async () => {
    const { client } = await terminal('?ticket=once', { headers: {} as never });
    expect(client.socket.readyState).toBe(WebSocket.OPEN);
    const again = new Client('/vms/vm1/terminal?ticket=once', { headers: {} as never });
    expect((await again.closed).code).toBe(1006);
  });

  it('a handshake that is none leaves nobody attached', async () => {
    await rawExchange(url, upgrade('/vms/vm1/terminal').replace('AAAAAAAAAAAAAAAAAAAAAA==', 'short'));
    await vi.waitFor(() => {
      for (const tty of attachments) expect(tty.detached).toBeGreaterThan(0);
    });
  });
});

describe('bad frames', () => {
  it.each([
    ['no JSON', 'resize please'],
    ['no message of ours', '{"type":"sudo"}'],
    ['a size that is none', '{"type":"resize","rows":0,"cols":80}'],
    ['a size that is a word', '{"type":"resize","rows":"24","cols":80}'],
    ['an unknown field', '{"type":"ack","offset":1,"x":1}'],
    ['an unknown signal', '{"type":"signal","name":"SIGSEGV; reboot"}'],
    ['a list', '[]'],
  ])('%s: an error message, and the end', async (_what, text) => {
    const { client, tty } = await terminal();
    client.socket.send(text);
    expect(await client.hears('error')).toMatchObject({ problem: '/problems/invalid-request' });
    expect((await client.closed).code).toBe(1008);
    expect(tty.detached).toBeGreaterThan(0);
  });

  it('a frame over the limit', async () => {
    const { client } = await terminal();
    client.socket.send(Buffer.alloc(app.limits.frameBytes + 1));
    expect((await client.closed).code).toBe(1009);
  });

  it('text that is no UTF-8', async () => {
    const { client } = await terminal();
    client.socket.send(Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), { binary: false });
    expect((await client.closed).code).toBe(1007);
  });

  it('an acknowledgement of what was never sent does no harm', async () => {
    const { client, tty } = await terminal();
    client.socket.send(JSON.stringify({ type: 'ack', offset: Number.MAX_SAFE_INTEGER }));
    tty.output.write('still here');
    await vi.waitFor(() => expect(client.bytes.toString()).toContain('still here'));
  });
});

/** A guest that prints for ever; counts what was taken from it. */
function flood(): { stream: Readable; taken: () => number } {
  let taken = 0;
  const chunk = Buffer.alloc(16 * 1024, '1');
  const stream = new Readable({
    highWaterMark: 64 * 1024,
    read() {
      taken += chunk.length;
      this.push(chunk);
    },
  });
  return { stream, taken: () => taken };
}
const settled = async (count: () => number): Promise<number> => {
  let last = -1;
  await vi.waitFor(
    async () => {
      const now = count();
      const was = last;
      last = now;
      expect(now).toBe(was);
    },
    { timeout: 10_000, interval: 300 },
  );
  return last;
};

describe('flow control', () => {
  it('a client that does not read stops the guest; reading lets it go on', async () => {
    const { client, tty } = await terminal();
    client.socket.pause();
    const { stream, taken } = flood();
    stream.pipe(tty.output);
    const stopped = await settled(taken);
    expect(stopped).toBeLessThan(16 << 20);
    client.socket.resume();
    await vi.waitFor(() => expect(taken()).toBeGreaterThan(stopped + (1 << 20)));
    stream.destroy();
  });

  it('a client that acknowledges is never sent more than the window ahead', async () => {
    const { client, tty } = await terminal();
    client.socket.send(JSON.stringify({ type: 'ack', offset: 100 }));
    client.socket.ping();
    await new Promise((resolve) => client.socket.once('pong', resolve));
    const { stream, taken } = flood();
    stream.pipe(tty.output);
    await settled(taken);
    const drawn = client.count - 'screen'.length;
    expect(drawn).toBeGreaterThanOrEqual(UNACKED_BYTES);
    expect(drawn).toBeLessThan(UNACKED_BYTES + 128 * 1024);
    client.socket.send(JSON.stringify({ type: 'ack', offset: 100 + drawn }));
    await vi.waitFor(() => expect(client.count).toBeGreaterThan(drawn + UNACKED_BYTES / 2));
    stream.destroy();
  });

  it('a guest that does not read makes the typist wait, and loses nothing', async () => {
    const { client, tty } = await terminal();
    const pasted = Buffer.alloc(200 * 1024, 'x');
    for (let at = 0; at < pasted.length; at += 4096) client.socket.send(pasted.subarray(at, at + 4096));
    await settled(() => tty.input!.writableLength + tty.input!.readableLength);
    expect(tty.input!.writableLength + tty.input!.readableLength).toBeLessThan(100 * 1024);
    let read = 0;
    tty.input!.on('data', (chunk: Buffer) => {
      read += chunk.length;
    });
    await vi.waitFor(() => expect(read).toBe(pasted.length));
  });
});

describe('floods and the silent', () => {
  it('no more WebSockets than one person may have, and room again when one goes', async () => {
    await restart({ socketsPerPerson: 3 });
    const open = [];
    for (let i = 0; i < 3; i++) open.push((await terminal()).client);
    const text = await rawExchange(url, upgrade('/vms/vm1/terminal'));
    expect(text).toMatch(/^HTTP\/1.1 429 /);
    expect(text.toLowerCase()).toContain('retry-after');
    open[0].socket.terminate();
    await vi.waitFor(async () => {
      const { client } = await terminal();
      expect(client.socket.readyState).toBe(WebSocket.OPEN);
    });
  });

  it('a half-open socket is cut: no pong, no viewer', async () => {
    await restart({ socketTimeoutMs: 400 });
    const text = await rawExchange(url, upgrade('/vms/vm1/terminal'), 5000);
    expect(text).toMatch(/^HTTP\/1.1 101 /);
    await vi.waitFor(() => expect(attachments.at(-1)!.detached).toBeGreaterThan(0));
    const { client } = await terminal();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(client.socket.readyState).toBe(WebSocket.OPEN);
  });

  it('rights that end, end the socket; rights that change, make it come again', async () => {
    let live = true;
    let sees = true;
    let uses = true;
    const lab = smallLab();
    await restart({ recheckMs: 50 }, true, {
      auth: { ...lab.auth, isLive: async () => live },
      authorizeVm: async (...args: Parameters<typeof lab.authorizeVm>) => {
        if (!sees) throw new LabError('not-found', 'There is no such VM.');
        return lab.authorizeVm(...args);
      },
      may: async () => uses,
    });
    const revoked = await terminal();
    live = false;
    expect((await revoked.client.closed).code).toBe(1008);
    live = true;
    const left = await terminal();
    sees = false;
    expect((await left.client.closed).code).toBe(1008);
    sees = true;
    const demoted = await terminal();
    uses = false;
    expect((await demoted.client.closed).code).toBe(1012);
  });

  it('a session that nobody comes back to is hung up; one that somebody does is not', async () => {
    await restart({ abandonedMs: 200 });
    const { client } = await terminal('?terminal=tty1');
    client.socket.close();
    await client.closed;
    const back = await terminal('?terminal=tty1');
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(hungUp).toEqual([]);
    back.client.socket.terminate();
    await vi.waitFor(() => expect(hungUp).toEqual(['tty1']));
  });

  it('a server that closes lets go of everybody', async () => {
    await restart({});
    const { client, tty } = await terminal();
    await app.close();
    await client.closed;
    await vi.waitFor(() => expect(tty.detached).toBeGreaterThan(0));
  });
});

describe('events', () => {
  const event = (vmId: string, kind: VmEvent['kind']): VmEvent => ({
    vmId,
    kind,
    timeMs: 0,
    detail: { name: 'ones' },
  });
  it("are the VM's own, one JSON object a message", async () => {
    const client = new Client('/vms/vm1/events');
    await new Promise((resolve) => client.socket.once('open', resolve));
    await vi.waitFor(() => expect(listeners.size).toBeGreaterThan(0));
    for (const listener of listeners) {
      listener(event('vm2', 'oops'));
      listener(event('vm1', 'module.loaded'));
    }
    await vi.waitFor(() =>
      expect(client.messages).toEqual([
        { time: '1970-01-01T00:00:00.000Z', kind: 'module.loaded', detail: { name: 'ones' } },
      ]),
    );
    const before = listeners.size;
    client.socket.close();
    await vi.waitFor(() => expect(listeners.size).toBe(before - 1));
  });
});
