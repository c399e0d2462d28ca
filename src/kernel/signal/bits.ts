/** Numbers of signals and their fields (asm-generic/signal.h, asm-generic/siginfo.h), and sets of them as bigint masks. */
import type { SigInfo } from './types.ts';

export const SIGHUP = 1;
export const SIGINT = 2;
export const SIGQUIT = 3;
export const SIGILL = 4;
export const SIGTRAP = 5;
export const SIGABRT = 6;
export const SIGBUS = 7;
export const SIGFPE = 8;
export const SIGKILL = 9;
export const SIGUSR1 = 10;
export const SIGSEGV = 11;
export const SIGUSR2 = 12;
export const SIGPIPE = 13;
export const SIGALRM = 14;
export const SIGTERM = 15;
export const SIGSTKFLT = 16;
export const SIGCHLD = 17;
export const SIGCONT = 18;
export const SIGSTOP = 19;
export const SIGTSTP = 20;
export const SIGTTIN = 21;
export const SIGTTOU = 22;
export const SIGURG = 23;
export const SIGXCPU = 24;
export const SIGXFSZ = 25;
export const SIGVTALRM = 26;
export const SIGPROF = 27;
export const SIGWINCH = 28;
export const SIGIO = 29;
export const SIGPWR = 30;
export const SIGSYS = 31;
export const SIGRTMIN = 32;
/** The highest signal number. */
export const NSIG = 64;

export const SIG_DFL = 0;
export const SIG_IGN = 1;

/** SA_* of sigaction(2). */
export const Sa = {
  NOCLDSTOP: 1,
  NOCLDWAIT: 2,
  SIGINFO: 4,
  ONSTACK: 0x08000000,
  RESTART: 0x10000000,
  NODEFER: 0x40000000,
  RESETHAND: 0x80000000,
} as const;

/** si_code values. */
export const Si = {
  USER: 0,
  KERNEL: 0x80,
  QUEUE: -1,
  TIMER: -2,
  MESGQ: -3,
  ASYNCIO: -4,
  SIGIO: -5,
  TKILL: -6,
  CLD_EXITED: 1,
  CLD_KILLED: 2,
  CLD_DUMPED: 3,
  CLD_TRAPPED: 4,
  CLD_STOPPED: 5,
  CLD_CONTINUED: 6,
  TRAP_BRKPT: 1,
  TRAP_TRACE: 2,
} as const;

const bits: bigint[] = [0n];
for (let signo = 1; signo <= NSIG; signo++) bits.push(1n << BigInt(signo - 1));

/** The mask with only `signo` in it. */
export const sigBit = (signo: number): bigint => bits[signo];

const maskOf = (...signals: number[]): bigint => signals.reduce((mask, signo) => mask | bits[signo], 0n);

/** Every signal. */
export const ALL_SIGNALS = (1n << 64n) - 1n;
/** What can be neither blocked, caught nor ignored. */
export const UNBLOCKABLE = maskOf(SIGKILL, SIGSTOP);
/** Default action: stop. */
export const STOP_SIGNALS = maskOf(SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU);
/** Default action: ignore. */
export const IGNORED_BY_DEFAULT = maskOf(SIGCONT, SIGCHLD, SIGWINCH, SIGURG);
/** Default action: terminate with a core dump. */
export const CORE_SIGNALS = maskOf(
  SIGQUIT,
  SIGILL,
  SIGTRAP,
  SIGABRT,
  SIGFPE,
  SIGSEGV,
  SIGBUS,
  SIGSYS,
  SIGXCPU,
  SIGXFSZ,
);
/** Raised by an instruction: delivered before all others. */
export const SYNCHRONOUS = maskOf(SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGSYS);

/** The lowest signal of a mask; 0 for an empty one. */
export function lowestSignal(mask: bigint): number {
  if (mask === 0n) return 0;
  const low = Number(mask & 0xffffffffn) >>> 0;
  if (low !== 0) return 32 - Math.clz32(low & -low);
  const high = Number((mask >> 32n) & 0xffffffffn) >>> 0;
  return 64 - Math.clz32(high & -high);
}

/** A siginfo with everything zero but what is given. */
export function newSigInfo(signo: number, code: number, more: Partial<SigInfo> = {}): SigInfo {
  return {
    signo,
    errno: 0,
    code,
    pid: 0,
    uid: 0,
    status: 0,
    addr: 0,
    value: 0n,
    timerId: 0,
    overrun: 0,
    band: 0,
    fd: 0,
    ...more,
  };
}

/** A signal that the kernel itself sends (SEND_SIG_PRIV). */
export const kernelSigInfo = (signo: number, code: number = Si.KERNEL): SigInfo => newSigInfo(signo, code);
