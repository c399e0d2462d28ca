/**
 * Flow: stopping and starting output, what arrives from the wire, and what a pty's master is told in packet mode.
 * Always true: bytes of the wire reach the line discipline in order, and only as far as it has room.
 */
import type { Kernel } from '../kernel.ts';
import { wakeUp } from '../task/wait.ts';
import { receive } from './input.ts';
import { MASK, readsLines, resetInput, SIZE } from './ldisc.ts';
import { discardOutput, emit, flushEcho, ptyOf } from './output.ts';
import { I, Pkt, V } from './termbits.ts';
import type { Tty } from './types.ts';

/** Bytes from the wire that wait for room in the line discipline before the other side has to wait. */
const WIRE_LIMIT = { serial: 16384, pty: 8192 } as const;
/** With so little room left the other side is asked to stop (IXOFF), with so little input to go on (n_tty). */
const THROTTLE = 128;
/** Output a flush cannot take back: what a master has in its own buffer; a port has sent all it was not stopped to send. */
const alreadySent = (tty: Tty): number =>
  tty.driver === 'pty' ? 4095 : tty.stopped ? 0 : Number.POSITIVE_INFINITY;

/** Reports a change to the master when it is in packet mode. */
export function packetStatus(k: Kernel, tty: Tty, set: number, clear = 0): void {
  const pty = ptyOf(k, tty);
  if (!pty?.packet) return;
  pty.status = (pty.status & ~clear) | set;
  wakeUp(k, pty.readWait);
}

/** stop_tty: STOP was typed, or tcflow(TCOOFF). */
export function stopTty(k: Kernel, tty: Tty): void {
  if (tty.stopped) return;
  tty.stopped = true;
  packetStatus(k, tty, Pkt.STOP, Pkt.START);
}

/** start_tty: output goes on. */
export function startTty(k: Kernel, tty: Tty): void {
  if (!tty.stopped || tty.flowStopped) return;
  tty.stopped = false;
  packetStatus(k, tty, Pkt.START, Pkt.STOP);
  const pty = ptyOf(k, tty);
  if (pty) wakeUp(k, pty.readWait);
  flushEcho(k, tty);
  wakeUp(k, tty.writeWait);
}

/** Bytes the wire may still deliver. */
export const wireRoom = (tty: Tty): number => WIRE_LIMIT[tty.driver] - tty.wire.length;

/** Takes bytes from the wire; the caller has respected {@link wireRoom}. */
export function fromWire(k: Kernel, tty: Tty, bytes: Uint8Array): void {
  if (tty.wire.length === 0) tty.wire = bytes.slice();
  else {
    const joined = new Uint8Array(tty.wire.length + bytes.length);
    joined.set(tty.wire);
    joined.set(bytes, tty.wire.length);
    tty.wire = joined;
  }
  pumpWire(k, tty);
}

/** Room of the ring as n_tty_receive_buf_common counts it; a full line that nobody can read takes characters to find its end. */
function ringRoom(tty: Tty): { room: number; overflow: boolean } {
  const { ldisc } = tty;
  let room = SIZE - (ldisc.head - ldisc.tail);
  if ((tty.termios.iflag & I.PARMRK) !== 0) room = Math.floor((room + 2) / 3);
  room--;
  if (room > 0) return { room, overflow: false };
  const overflow = ldisc.icanon && ldisc.canonHead === ldisc.tail;
  if (overflow && room < 0) ldisc.head--;
  return { room: overflow ? 1 : 0, overflow };
}

/** Moves what waits on the wire into the line discipline, as far as it goes. */
export function pumpWire(k: Kernel, tty: Tty): void {
  let at = 0;
  const bytes = tty.wire;
  while (at < bytes.length) {
    const { room, overflow } = ringRoom(tty);
    if (room <= 0) break;
    const n = Math.min(room, bytes.length - at);
    receive(k, tty, bytes.subarray(at, at + n), overflow);
    at += n;
  }
  if (at > 0) tty.wire = bytes.slice(at);
  flushEcho(k, tty);
  throttle(k, tty);
}

function throttle(k: Kernel, tty: Tty): void {
  const { ldisc, termios } = tty;
  if (tty.driver === 'pty' || (termios.iflag & I.IXOFF) === 0) return;
  const used = ldisc.head - ldisc.tail;
  if (!tty.throttled && used > SIZE - THROTTLE) {
    tty.throttled = true;
    emit(k, tty, Uint8Array.of(termios.cc[V.STOP]));
  } else if (tty.throttled && used <= THROTTLE) {
    tty.throttled = false;
    emit(k, tty, Uint8Array.of(termios.cc[V.START]));
  }
}

/** After a read: more may come in, and a master that waited for room goes on. */
export function afterRead(k: Kernel, tty: Tty): void {
  const had = tty.wire.length;
  if (had > 0) pumpWire(k, tty);
  else throttle(k, tty);
  const pty = ptyOf(k, tty);
  if (pty && tty.wire.length < WIRE_LIMIT.pty) wakeUp(k, pty.writeWait);
}

/** Forgets all input, that on the wire included (tcflush(TCIFLUSH)). */
export function flushInput(k: Kernel, tty: Tty): void {
  resetInput(tty.ldisc);
  tty.wire = new Uint8Array(0);
  packetStatus(k, tty, Pkt.FLUSHREAD);
  afterRead(k, tty);
}

/** Forgets output that is not on the wire yet (tcflush(TCOFLUSH)). */
export function flushOutput(k: Kernel, tty: Tty): void {
  tty.echo = [];
  discardOutput(k, tty, alreadySent(tty));
  packetStatus(k, tty, Pkt.FLUSHWRITE);
}

/** The last `count` bytes of unread input, for tests and inspection. */
export function pendingInput(tty: Tty): Uint8Array {
  const { ldisc } = tty;
  const end = readsLines(tty) ? ldisc.canonHead : ldisc.head;
  return Uint8Array.from({ length: end - ldisc.tail }, (_, i) => ldisc.buf[(ldisc.tail + i) & MASK]);
}
