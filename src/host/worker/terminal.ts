/**
 * A terminal session: the machine's side of a pty (or its console), who looks at it, and what they would see. Always true: output is
 * kept once, in a ring; a viewer is a position in it. A writer who lags makes the guest wait; one who only watches is given the
 * screen in place of what it missed. The screen is worked out only for what has left the ring, or when somebody asks.
 */
import serializeAddon from '@xterm/addon-serialize';
import xterm from '@xterm/headless';
import type { ProcessExit, TerminalInfo, WindowSize } from '../types.ts';
import { TERMINAL_WINDOW } from '../wire.ts';
import { ByteRing } from './ring.ts';
import { Inlet, type Send } from './streams.ts';

/** Output that can be resumed by position. */
const RING_BYTES = 64 * 1024;
/** Taken from the guest at a time. */
const READ_BYTES = 16 * 1024;
const SCROLLBACK_ROWS = 200;
const MAX_RESIZES = 16;

/** The machine's side. */
export interface TerminalWire {
  read(max: number): Uint8Array;
  write(bytes: Uint8Array): number;
  resize(size: WindowSize): void;
  /** How its process ended; null while it runs. */
  exit(): ProcessExit | null;
  /** Whether a login has opened its session. */
  begun(): boolean;
}

interface Viewer {
  handle: number;
  label: string;
  writer: boolean;
  position: number;
  credit: number;
  inlet: Inlet;
  exitSent: boolean;
}

/** A terminal as data: what is kept while its machine sleeps. */
export interface SavedTerminal {
  id: string;
  pid: number;
  user: string;
  size: WindowSize;
  createdSec: number;
  exit: ProcessExit | null;
  /** Bytes that draw the screen at `ringStart`; the ring goes on from there. */
  screen: Uint8Array;
  ringStart: number;
  ring: Uint8Array;
}

export type TerminalStart = Pick<SavedTerminal, 'id' | 'pid' | 'user' | 'size' | 'createdSec'>;

/** The parser of xterm without its queue, which would finish later. */
const feedNow = (screen: InstanceType<typeof xterm.Terminal>, bytes: Uint8Array): void =>
  (screen as unknown as { _core: { writeSync(bytes: Uint8Array): void } })._core.writeSync(bytes);

export class Terminal {
  readonly start: TerminalStart;
  size: WindowSize;
  exit: ProcessExit | null = null;
  /** When its process ended (host clock, ms). */
  exitMs = 0;
  /** What is typed waits for the session: login throws away what came before it. */
  awaitsSession = false;
  readonly viewers = new Map<number, Viewer>();
  readonly #send: Send;
  #ring: ByteRing;
  /** What drew the screen up to `#fed` before there was a screen here; and the screen itself, at `#fed`. */
  #base: Uint8Array;
  #fed: number;
  #screen: InstanceType<typeof xterm.Terminal> | null = null;
  #serializer: InstanceType<typeof serializeAddon.SerializeAddon> | null = null;
  #screenSize: WindowSize;
  #resizes: { at: number; size: WindowSize }[] = [];

  constructor(send: Send, start: TerminalStart, saved?: SavedTerminal) {
    this.#send = send;
    this.start = start;
    this.size = start.size;
    this.#screenSize = start.size;
    const at = saved?.ringStart ?? 0;
    this.#ring = new ByteRing(RING_BYTES, at);
    this.#base = saved?.screen ?? new Uint8Array(0);
    this.#fed = at;
    if (!saved) return;
    this.exit = saved.exit;
    if (saved.ring.length > 0) this.#ring.append(saved.ring);
  }

  /** As data; the viewers stay. */
  save(): SavedTerminal {
    const { id, pid, user, createdSec } = this.start;
    const common = { id, pid, user, createdSec, size: this.size, exit: this.exit };
    const whole = this.#ring.start === this.#fed && !this.#screen;
    if (whole && this.#resizes.length === 0)
      return { ...common, screen: this.#base, ringStart: this.#fed, ring: this.#ring.slice(this.#fed) };
    const screen = this.screen();
    return { ...common, screen, ringStart: this.#ring.end, ring: new Uint8Array(0) };
  }

  info(): TerminalInfo {
    const { id, pid, user, createdSec } = this.start;
    return { id, pid, user, createdSec, size: this.size, viewers: this.#labels(), exit: this.exit };
  }

  get offset(): number {
    return this.#ring.end;
  }

  #labels(): TerminalInfo['viewers'] {
    return [...this.viewers.values()].map(({ label, writer }) => ({ label, writer }));
  }

  #tellViewers(): void {
    const labels = this.#labels();
    for (const { handle } of this.viewers.values()) this.#send(['viewers', handle, labels]);
  }

  /** A new viewer: what to draw first, and the position after it. */
  attach(
    handle: number,
    options: { label: string; writer: boolean; fromOffset?: number },
  ): { screen: Uint8Array; offset: number } {
    const { fromOffset } = options;
    const resumes =
      fromOffset !== undefined && fromOffset >= this.#ring.start && fromOffset <= this.#ring.end;
    const screen = resumes || this.#ring.end === 0 ? new Uint8Array(0) : this.screen();
    const offset = resumes ? fromOffset : this.#ring.end;
    this.viewers.set(handle, {
      handle,
      label: options.label,
      writer: options.writer,
      position: offset,
      credit: TERMINAL_WINDOW,
      inlet: new Inlet((bytes) => this.#send(['taken', handle, bytes])),
      exitSent: false,
    });
    this.#tellViewers();
    return { screen, offset };
  }

  detach(handle: number): void {
    if (this.viewers.delete(handle)) this.#tellViewers();
  }

  /** Output that was not read through the wire (the console's text is taken once, for its log too). */
  append(bytes: Uint8Array): void {
    if (this.#ring.end + bytes.length - this.#fed > RING_BYTES) this.#feed();
    this.#ring.append(bytes);
  }

  /** How much the guest may print now without losing it for a writer. */
  room(): number {
    let room = Number.POSITIVE_INFINITY;
    for (const { writer, position } of this.viewers.values())
      if (writer) room = Math.min(room, RING_BYTES - (this.#ring.end - position));
    return room;
  }

  /** Moves bytes both ways; `allowed`: most bytes of output. Answers what was printed, and whether anything moved. */
  pump(wire: TerminalWire, allowed: number): { printed: number; moved: boolean } {
    let moved = false;
    if (this.awaitsSession && (this.exit || wire.begun())) this.awaitsSession = false;
    for (const viewer of this.awaitsSession ? [] : this.viewers.values())
      moved = viewer.inlet.drain((bytes) => (this.exit ? -1 : wire.write(bytes))) || moved;
    let printed = 0;
    for (;;) {
      const max = Math.min(READ_BYTES, allowed - printed, this.room());
      const bytes = max > 0 ? wire.read(max) : new Uint8Array(0);
      if (bytes.length === 0) break;
      this.append(bytes);
      printed += bytes.length;
      this.#deliver();
    }
    this.#deliver();
    return { printed, moved: moved || printed > 0 };
  }

  /** Sends viewers what they may have. */
  #deliver(): void {
    for (const viewer of this.viewers.values()) {
      if (viewer.position < this.#ring.start) this.#resync(viewer);
      const behind = this.#ring.end - viewer.position;
      if (behind > 0 && viewer.credit > 0 && viewer.position >= this.#ring.start) {
        const bytes = this.#ring.slice(viewer.position, viewer.credit);
        viewer.position += bytes.length;
        viewer.credit -= bytes.length;
        this.#send(['data', viewer.handle, 0, bytes]);
      }
      if (this.exit && !viewer.exitSent && viewer.position === this.#ring.end) {
        viewer.exitSent = true;
        this.#send(['end', viewer.handle, 0]);
        this.#send(['exit', viewer.handle, this.exit]);
      }
    }
  }

  #resync(viewer: Viewer): void {
    if (viewer.credit < TERMINAL_WINDOW / 2) return;
    const bytes = this.screen();
    viewer.position = this.#ring.end;
    viewer.credit -= bytes.length;
    this.#send(['screen', viewer.handle, viewer.position, bytes]);
  }

  /** Its process has ended and everything it printed was read. */
  finish(exit: ProcessExit, nowMs: number): void {
    this.exit = exit;
    this.exitMs = nowMs;
    this.#deliver();
  }

  resize(size: WindowSize): void {
    this.size = size;
    this.#resizes.push({ at: this.#ring.end, size });
    if (this.#resizes.length > MAX_RESIZES) this.#feed();
  }

  /** Bytes that draw the screen as it is at {@link offset}. */
  screen(): Uint8Array {
    this.#feed();
    return new TextEncoder().encode(this.#serializer?.serialize({ scrollback: SCROLLBACK_ROWS }) ?? '');
  }

  /** Brings the screen up to the ring's end. */
  #feed(): void {
    if (!this.#screen) {
      const { rows, cols } = this.#screenSize;
      this.#screen = new xterm.Terminal({
        rows,
        cols,
        scrollback: SCROLLBACK_ROWS,
        allowProposedApi: true,
        logLevel: 'off',
      });
      this.#serializer = new serializeAddon.SerializeAddon();
      this.#screen.loadAddon(this.#serializer as unknown as xterm.ITerminalAddon);
      feedNow(this.#screen, this.#base);
      this.#base = new Uint8Array(0);
    }
    const feedTo = (end: number): void => {
      if (end > this.#fed)
        feedNow(
          this.#screen as InstanceType<typeof xterm.Terminal>,
          this.#ring.slice(this.#fed, end - this.#fed),
        );
      this.#fed = end;
    };
    for (const { at, size } of this.#resizes) {
      feedTo(at);
      this.#screen.resize(size.cols, size.rows);
      this.#screenSize = size;
    }
    this.#resizes = [];
    feedTo(this.#ring.end);
  }

  /** Everybody who looks is told that it is gone. */
  lose(error: { code: 'closed' | 'worker-lost' | 'no-such-vm'; message: string }): void {
    for (const { handle } of this.viewers.values()) this.#send(['lost', handle, error]);
    this.viewers.clear();
  }

  /** Whether somebody has typed something that the machine did not take yet. */
  hasInput(): boolean {
    for (const { inlet } of this.viewers.values()) if (!inlet.empty) return true;
    return false;
  }
}
