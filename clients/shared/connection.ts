/**
 * A terminal over WebSocket as both clients use it, browser and command line: raw bytes in binary frames, control messages as JSON
 * in text frames (src/server/terminal-protocol.ts). Always true: `offset` counts the bytes of the terminal's output that have
 * been drawn, so that a connection that drops goes on where it stopped, or is given the screen anew.
 */

import type { ServerMessage } from '../../src/server/terminal-protocol.ts';

/** What both `ws` and a browser's WebSocket are. */
export interface Socket {
  binaryType: string;
  readonly readyState: number;
  send(data: string | Uint8Array): void;
  close(code?: number, reason?: string): void;
  addEventListener(kind: 'open' | 'close' | 'error' | 'message', listener: (event: never) => void): void;
}

export interface Size {
  rows: number;
  cols: number;
}

export interface Exit {
  exitCode: number | null;
  signal: string | null;
}

export type Viewer = Extract<ServerMessage, { type: 'viewers' }>['viewers'][number];

/** What whoever shows the terminal does with what comes. */
export interface TerminalView {
  /** Draws bytes; `done` is called when they are drawn, and until then they count as unread. */
  write(bytes: Uint8Array, done: () => void): void;
  /** What is on the screen is stale: `write` gets the whole screen next. */
  reset(): void;
  size(): Size;
  status(status: 'connecting' | 'connected' | 'waiting', detail?: string): void;
  viewers?(viewers: Viewer[]): void;
  /** The end: the process has exited, or the server refused with a reason. */
  ended(end: Exit | { error: string }): void;
}

/** Close codes after which another try is useless: policy (no right, spent ticket) and the protocol's own errors. */
const FINAL_CODES = new Set([1002, 1003, 1007, 1008, 1009]);
const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 10_000;
/** Output is acknowledged in steps of this many bytes. */
const ACK_STEP = 32_768;
const encoder = new TextEncoder();

/**
 * Opens a terminal and keeps it open. `open` makes a socket for a query (`terminal`, `offset`, size) with whatever
 * authentication it takes, and is called again for each new try.
 */
export class TerminalConnection {
  readonly #open: (query: URLSearchParams) => Promise<Socket>;
  readonly #view: TerminalView;
  #socket: Socket | null = null;
  #terminal: string | null;
  #offset: number | null = null;
  #acked = 0;
  /** Goes up with each new start: what was being drawn before no longer counts. */
  #era = 0;
  /** Bytes to come that draw the screen: they are no output. */
  #screenBytes = 0;
  #delayMs = FIRST_DELAY_MS;
  #over = false;
  #queued: Uint8Array[] = [];

  constructor(
    open: (query: URLSearchParams) => Promise<Socket>,
    view: TerminalView,
    terminal: string | null = null,
  ) {
    this.#open = open;
    this.#view = view;
    this.#terminal = terminal;
  }

  /** Connects, and again whenever the connection drops, until the terminal's process ends. */
  async connect(): Promise<void> {
    if (this.#over) return;
    this.#view.status('connecting');
    const { rows, cols } = this.#view.size();
    const query = new URLSearchParams({ rows: String(rows), cols: String(cols) });
    if (this.#terminal !== null) query.set('terminal', this.#terminal);
    if (this.#offset !== null) query.set('offset', String(this.#offset));
    let socket: Socket;
    try {
      socket = await this.#open(query);
    } catch (error) {
      const { status } = error as { status?: number };
      if (status !== undefined && status >= 400 && status < 500 && status !== 429)
        return this.#end({ error: (error as Error).message });
      return this.#retry((error as Error).message);
    }
    if (this.#over) return socket.close();
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('message', (event: { data: ArrayBuffer | string }) => {
      if (typeof event.data === 'string') this.#control(JSON.parse(event.data));
      else this.#draw(new Uint8Array(event.data));
    });
    socket.addEventListener('error', () => {});
    socket.addEventListener('close', (event: { code: number; reason: string }) => {
      if (this.#socket !== socket) return;
      this.#socket = null;
      if (this.#over) return;
      if (FINAL_CODES.has(event.code))
        this.#end({ error: event.reason || `the server closed the connection (${event.code})` });
      else this.#retry(event.reason);
    });
  }

  /** Types. What is typed while there is no connection is sent with the next one. */
  type(input: Uint8Array | string): void {
    const bytes = typeof input === 'string' ? encoder.encode(input) : input;
    if (this.#socket?.readyState === 1) this.#socket.send(bytes);
    else if (this.#queued.length < 1000) this.#queued.push(bytes);
  }

  resize(size: Size): void {
    this.#send({ type: 'resize', ...size });
  }

  /** Leaves; the terminal stays on the machine. */
  close(): void {
    this.#over = true;
    this.#socket?.close(1000);
  }

  #send(message: object): void {
    if (this.#socket?.readyState === 1) this.#socket.send(JSON.stringify(message));
  }

  #draw(bytes: Uint8Array): void {
    const drawsScreen = Math.min(this.#screenBytes, bytes.length);
    this.#screenBytes -= drawsScreen;
    const output = bytes.length - drawsScreen;
    const era = this.#era;
    this.#view.write(bytes, () => {
      if (this.#offset === null || era !== this.#era) return;
      this.#offset += output;
      if (this.#offset - this.#acked < ACK_STEP) return;
      this.#acked = this.#offset;
      this.#send({ type: 'ack', offset: this.#offset });
    });
  }

  #control(message: ServerMessage): void {
    switch (message.type) {
      case 'ready':
        this.#ready(message);
        break;
      case 'resync':
        this.#begin(message.offset, message.screen);
        break;
      case 'viewers':
        this.#view.viewers?.(message.viewers);
        break;
      case 'exit':
        this.#end({ exitCode: message.exitCode, signal: message.signal });
        break;
      case 'error':
        this.#end({ error: message.detail ?? message.title });
        break;
    }
  }

  /** Output goes on at `offset`, after `screen` bytes that draw all there was before. */
  #begin(offset: number, screen: number): void {
    const goesOn = screen === 0 && offset === this.#offset;
    if (!goesOn && this.#offset !== null) this.#view.reset();
    this.#era++;
    this.#offset = offset;
    this.#acked = offset;
    this.#screenBytes = screen;
    this.#send({ type: 'ack', offset });
  }

  #ready(message: Extract<ServerMessage, { type: 'ready' }>): void {
    this.#terminal = message.terminal.id;
    this.#begin(message.offset, message.screen);
    this.#delayMs = FIRST_DELAY_MS;
    this.#view.status('connected');
    this.#view.viewers?.(message.viewers);
    this.resize(this.#view.size());
    for (const bytes of this.#queued.splice(0)) this.#socket?.send(bytes);
  }

  #retry(why: string): void {
    this.#view.status('waiting', why);
    setTimeout(() => void this.connect(), this.#delayMs);
    this.#delayMs = Math.min(this.#delayMs * 2, LONGEST_DELAY_MS);
  }

  #end(end: Exit | { error: string }): void {
    if (this.#over) return;
    this.#over = true;
    this.#view.ended(end);
    this.#socket?.close(1000);
  }
}
