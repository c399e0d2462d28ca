/** siginfo_t as C sees it: 128 bytes, a union chosen by signal and code (asm-generic/siginfo.h, siginfo_layout()). */
import { newSigInfo, SIGBUS, SIGCHLD, SIGFPE, SIGILL, SIGIO, SIGSEGV, SIGSYS, SIGTRAP, Si } from './bits.ts';
import type { SigInfo } from './types.ts';

export const SIGINFO_SIZE = 128;
/** The highest code that tells of a file (POLL_HUP). */
const NSIGPOLL = 6;

type Layout = 'kill' | 'queue' | 'timer' | 'child' | 'fault' | 'poll' | 'sys';

const isFault = (signo: number): boolean =>
  signo === SIGILL || signo === SIGFPE || signo === SIGSEGV || signo === SIGBUS || signo === SIGTRAP;

function layoutOf(signo: number, code: number): Layout {
  if (code > Si.USER && code < Si.KERNEL) {
    if (signo === SIGCHLD) return 'child';
    if (isFault(signo)) return 'fault';
    if (signo === SIGIO) return 'poll';
    if (signo === SIGSYS) return 'sys';
    return code <= NSIGPOLL ? 'poll' : 'kill';
  }
  if (code === Si.TIMER) return 'timer';
  if (code === Si.SIGIO) return 'poll';
  if (code < 0) return 'queue';
  return 'kill';
}

/** Lays a siginfo out in C's form. */
export function encodeSigInfo(info: SigInfo): Uint8Array {
  const bytes = new Uint8Array(SIGINFO_SIZE);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, info.signo, true);
  view.setInt32(4, info.errno, true);
  view.setInt32(8, info.code, true);
  switch (layoutOf(info.signo, info.code)) {
    case 'timer':
      view.setInt32(16, info.timerId, true);
      view.setInt32(20, info.overrun, true);
      view.setBigUint64(24, BigInt.asUintN(64, info.value), true);
      break;
    case 'fault':
      view.setBigInt64(16, BigInt(info.addr), true);
      break;
    case 'poll':
      view.setBigInt64(16, BigInt(info.band), true);
      view.setInt32(24, info.fd, true);
      break;
    case 'sys':
      view.setBigInt64(16, BigInt(info.addr), true);
      view.setInt32(24, info.status, true);
      break;
    case 'child':
      view.setInt32(16, info.pid, true);
      view.setUint32(20, info.uid, true);
      view.setInt32(24, info.status, true);
      view.setBigInt64(32, info.value & 0xffffffffn, true);
      view.setBigInt64(40, (info.value >> 32n) & 0xffffffffn, true);
      break;
    default:
      view.setInt32(16, info.pid, true);
      view.setUint32(20, info.uid, true);
      view.setBigUint64(24, BigInt.asUintN(64, info.value), true);
  }
  return bytes;
}

/** Reads what a program laid out. `bytes` holds at least 48 bytes. */
export function decodeSigInfo(bytes: Uint8Array): SigInfo {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const signo = view.getInt32(0, true);
  const code = view.getInt32(8, true);
  const info = newSigInfo(signo, code);
  info.errno = view.getInt32(4, true);
  switch (layoutOf(signo, code)) {
    case 'timer':
      info.timerId = view.getInt32(16, true);
      info.overrun = view.getInt32(20, true);
      info.value = view.getBigUint64(24, true);
      break;
    case 'fault':
      info.addr = Number(view.getBigInt64(16, true));
      break;
    case 'poll':
      info.band = Number(view.getBigInt64(16, true));
      info.fd = view.getInt32(24, true);
      break;
    case 'sys':
      info.addr = Number(view.getBigInt64(16, true));
      info.status = view.getInt32(24, true);
      break;
    case 'child':
      info.pid = view.getInt32(16, true);
      info.uid = view.getUint32(20, true);
      info.status = view.getInt32(24, true);
      info.value = (view.getBigInt64(32, true) & 0xffffffffn) | (view.getBigInt64(40, true) << 32n);
      break;
    default:
      info.pid = view.getInt32(16, true);
      info.uid = view.getUint32(20, true);
      info.value = view.getBigUint64(24, true);
  }
  return info;
}

/** struct signalfd_siginfo (man 2 signalfd): also 128 bytes. */
export function encodeSignalfdInfo(info: SigInfo): Uint8Array {
  const bytes = new Uint8Array(128);
  const view = new DataView(bytes.buffer);
  const layout = layoutOf(info.signo, info.code);
  view.setUint32(0, info.signo, true);
  view.setInt32(4, info.errno, true);
  view.setInt32(8, info.code, true);
  if (layout === 'kill' || layout === 'queue' || layout === 'child') {
    view.setUint32(12, info.pid, true);
    view.setUint32(16, info.uid, true);
  }
  if (layout === 'poll') {
    view.setInt32(20, info.fd, true);
    view.setUint32(28, info.band, true);
  }
  if (layout === 'timer') {
    view.setUint32(24, info.timerId, true);
    view.setUint32(32, info.overrun, true);
  }
  if (layout === 'child') {
    view.setInt32(40, info.status, true);
    view.setBigUint64(56, info.value & 0xffffffffn, true);
    view.setBigUint64(64, (info.value >> 32n) & 0xffffffffn, true);
  }
  if (layout === 'queue' || layout === 'timer') {
    view.setInt32(44, Number(BigInt.asIntN(32, info.value)), true);
    view.setBigUint64(48, BigInt.asUintN(64, info.value), true);
  }
  if (layout === 'fault') view.setBigInt64(72, BigInt(info.addr), true);
  return bytes;
}
