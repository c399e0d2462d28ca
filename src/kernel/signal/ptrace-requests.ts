/** ptrace(2) as the tracer calls it: attaching, looking, changing, resuming. Every request but a few needs a stopped tracee. */
import { CONTEXT } from '../../cpu/machine.ts';
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import { unsupported } from '../kernel.ts';
import { readMm, writeMm } from '../mm/remote.ts';
import { copyIn, copyOut, readLong, writeLong, writeU64 } from '../mm/uaccess.ts';
import { mayTrace } from '../task/cred.ts';
import { contextChanged, getPc, getReg, loadedContext, Reg } from '../task/regs.ts';
import type { Task } from '../task/types.ts';
import { NSIG, newSigInfo, SIGKILL, SIGSTOP, Si, UNBLOCKABLE } from './bits.ts';
import {
  interruptTracee,
  linkTracer,
  PTRACE_O_MASK,
  PtraceEvent,
  resumeTracee,
  unlinkTracer,
} from './ptrace.ts';
import { recalcNotify, resumeTask, sendSignalTask } from './send.ts';
import { decodeSigInfo, encodeSigInfo, SIGINFO_SIZE } from './siginfo.ts';

const Request = {
  TRACEME: 0,
  PEEKTEXT: 1,
  PEEKDATA: 2,
  POKETEXT: 4,
  POKEDATA: 5,
  CONT: 7,
  KILL: 8,
  ATTACH: 16,
  DETACH: 17,
  SYSCALL: 24,
  SETOPTIONS: 0x4200,
  GETEVENTMSG: 0x4201,
  GETSIGINFO: 0x4202,
  SETSIGINFO: 0x4203,
  GETREGSET: 0x4204,
  SETREGSET: 0x4205,
  SEIZE: 0x4206,
  INTERRUPT: 0x4207,
  LISTEN: 0x4208,
  GETSIGMASK: 0x420a,
  SETSIGMASK: 0x420b,
  GET_SYSCALL_INFO: 0x420e,
} as const;

const NT_PRSTATUS = 1;
const NT_PRFPREG = 2;
/** elf_gregset_t: pc, then x1..x31. */
const GREGS_SIZE = 256;
/** struct __riscv_d_ext_state: f0..f31, fcsr, padding. */
const FPREGS_SIZE = 264;
const AUDIT_ARCH_RISCV64 = 0xc00000f3;

/** ptrace(2). */
export function ptrace(
  k: Kernel,
  task: Task,
  request: number,
  pid: number,
  addr: number,
  data: number,
): number {
  if (request === Request.TRACEME) return traceMe(k, task);
  const target = k.task.tasks.get(pid);
  if (!target || target.state === 'dead') return -Errno.ESRCH;
  if (request === Request.ATTACH || request === Request.SEIZE)
    return attach(k, task, target, request === Request.SEIZE, addr, data);
  if (target.ptrace?.tracer !== task.tid) return -Errno.ESRCH;
  if (request === Request.KILL) {
    if (target.state !== 'zombie') sendSignalTask(k, target, newSigInfo(SIGKILL, Si.USER));
    return 0;
  }
  if (request === Request.INTERRUPT) {
    if (!target.ptrace.seized) return -Errno.EIO;
    interruptTracee(k, target);
    return 0;
  }
  if (target.state !== 'traced' || target.ptrace.listening) return -Errno.ESRCH;
  return stoppedRequest(k, task, target, request, addr, data);
}

function traceMe(k: Kernel, task: Task): number {
  if (task.ptrace) return -Errno.EPERM;
  const parent = k.task.tasks.get(task.group.parentPid);
  if (!parent || parent.state === 'zombie') return 0;
  linkTracer(task, parent, 0, false);
  return 0;
}

function attach(k: Kernel, task: Task, target: Task, seize: boolean, addr: number, options: number): number {
  if (seize && (addr !== 0 || (options & ~PTRACE_O_MASK) !== 0)) return -Errno.EIO;
  if (target.kthread || target.group === task.group) return -Errno.EPERM;
  if (!mayTrace(task, target)) return -Errno.EPERM;
  if (target.state === 'zombie' || target.ptrace) return -Errno.EPERM;
  linkTracer(target, task, seize ? options : 0, seize);
  if (!seize) sendSignalTask(k, target, newSigInfo(SIGSTOP, Si.KERNEL));
  if (target.state === 'stopped') {
    target.stopPending = true;
    resumeTask(k, target);
  }
  return 0;
}

function stoppedRequest(
  k: Kernel,
  task: Task,
  target: Task,
  request: number,
  addr: number,
  data: number,
): number {
  const hold = target.ptrace!;
  switch (request) {
    case Request.PEEKTEXT:
    case Request.PEEKDATA: {
      const word = target.mm ? readMm(k, target.mm, addr, 8) : new Uint8Array(0);
      return word.length < 8 ? -Errno.EIO : copyOut(k, task, data, word);
    }
    case Request.POKETEXT:
    case Request.POKEDATA: {
      const word = new Uint8Array(8);
      new DataView(word.buffer).setBigInt64(0, dataRegister(k, task), true);
      return target.mm && writeMm(k, target.mm, addr, word) === 8 ? 0 : -Errno.EIO;
    }
    case Request.CONT:
    case Request.SYSCALL:
      if (data < 0 || data > NSIG) return -Errno.EIO;
      hold.syscallTrace = request === Request.SYSCALL;
      resumeTracee(k, target, data);
      return 0;
    case Request.DETACH:
      if (data < 0 || data > NSIG) return -Errno.EIO;
      return detach(k, target, data);
    case Request.SETOPTIONS:
      if (data & ~PTRACE_O_MASK) return -Errno.EINVAL;
      hold.options = data;
      return 0;
    case Request.GETEVENTMSG:
      return writeLong(k, task, data, hold.message);
    case Request.GETSIGINFO:
      return hold.stop?.info ? copyOut(k, task, data, encodeSigInfo(hold.stop.info)) : -Errno.EINVAL;
    case Request.SETSIGINFO: {
      const bytes = copyIn(k, task, data, SIGINFO_SIZE);
      if (!bytes) return -Errno.EFAULT;
      if (!hold.stop?.info) return -Errno.EINVAL;
      hold.stop.info = decodeSigInfo(bytes);
      return 0;
    }
    case Request.GETREGSET:
    case Request.SETREGSET:
      return regset(k, task, target, request === Request.SETREGSET, addr, data);
    case Request.LISTEN:
      if (!hold.seized || (hold.stop?.code ?? 0) >> 8 !== PtraceEvent.STOP) return -Errno.EIO;
      hold.listening = true;
      if (hold.trapStop) resumeTask(k, target);
      return 0;
    case Request.GETSIGMASK:
      return addr === 8 ? writeU64(k, task, data, target.blocked) : -Errno.EINVAL;
    case Request.SETSIGMASK: {
      if (addr !== 8) return -Errno.EINVAL;
      const bytes = copyIn(k, task, data, 8);
      if (!bytes) return -Errno.EFAULT;
      target.blocked = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true) & ~UNBLOCKABLE;
      recalcNotify(target);
      return 0;
    }
    case Request.GET_SYSCALL_INFO:
      return syscallInfo(k, task, target, addr, data);
    default:
      unsupported(k, `ptrace ${request}`);
      return -Errno.EIO;
  }
}

/** The fourth argument of the calling tracer with all its 64 bits. */
function dataRegister(k: Kernel, task: Task): bigint {
  const context = loadedContext(k, task);
  return new DataView(context.buffer, context.byteOffset).getBigInt64(CONTEXT.x + 8 * (Reg.a0 + 3), true);
}

function detach(k: Kernel, target: Task, signal: number): number {
  const hold = target.ptrace!;
  const kind = hold.stop?.kind;
  const info = hold.stop?.info ?? null;
  hold.stop = null;
  if (kind === 'signal' && signal !== 0)
    target.detachSignal = info?.signo === signal ? info : newSigInfo(signal, Si.USER);
  else if (signal !== 0 && (kind === 'syscall-enter' || kind === 'syscall-exit'))
    sendSignalTask(k, target, newSigInfo(signal, Si.USER));
  unlinkTracer(k, target);
  return 0;
}

/** The general registers as user_regs_struct, or the floating-point ones. */
function encodeRegset(k: Kernel, target: Task, type: number): Uint8Array | null {
  const context = loadedContext(k, target);
  if (type === NT_PRSTATUS) {
    const regs = context.slice(CONTEXT.x, CONTEXT.x + GREGS_SIZE);
    regs.set(context.subarray(CONTEXT.pc, CONTEXT.pc + 8), 0);
    return regs;
  }
  if (type !== NT_PRFPREG) return null;
  const regs = new Uint8Array(FPREGS_SIZE);
  regs.set(context.subarray(CONTEXT.f, CONTEXT.f + 256));
  regs.set(context.subarray(CONTEXT.fcsr, CONTEXT.fcsr + 4), 256);
  return regs;
}

function regset(k: Kernel, task: Task, target: Task, write: boolean, type: number, iovec: number): number {
  const base = readLong(k, task, iovec);
  const length = readLong(k, task, iovec + 8);
  if (base === null || length === null) return -Errno.EFAULT;
  const regs = encodeRegset(k, target, type);
  if (!regs || length % 8 !== 0) return -Errno.EINVAL;
  const size = Math.min(length < 0 ? regs.length : length, regs.length);
  if (!write) {
    if (copyOut(k, task, base, regs.subarray(0, size)) < 0) return -Errno.EFAULT;
    return writeLong(k, task, iovec + 8, size);
  }
  const bytes = copyIn(k, task, base, size);
  if (!bytes) return -Errno.EFAULT;
  regs.set(bytes);
  const { context } = target;
  if (type === NT_PRSTATUS) {
    context.set(regs.subarray(8), CONTEXT.x + 8);
    context.set(regs.subarray(0, 8), CONTEXT.pc);
  } else {
    context.set(regs.subarray(0, 256), CONTEXT.f);
    context.set(regs.subarray(256, 260), CONTEXT.fcsr);
  }
  contextChanged(k, target);
  return writeLong(k, task, iovec + 8, size);
}

/** PTRACE_GET_SYSCALL_INFO: struct ptrace_syscall_info. */
function syscallInfo(k: Kernel, task: Task, target: Task, size: number, out: number): number {
  const bytes = new Uint8Array(80);
  const view = new DataView(bytes.buffer);
  const context = loadedContext(k, target);
  const regs = new DataView(context.buffer, context.byteOffset, context.byteLength);
  const kind = target.ptrace?.stop?.kind;
  view.setUint32(4, AUDIT_ARCH_RISCV64, true);
  view.setBigInt64(8, BigInt(getPc(k, target)), true);
  view.setBigInt64(16, regs.getBigInt64(CONTEXT.x + 8 * Reg.sp, true), true);
  let actual = 24;
  if (kind === 'syscall-enter') {
    bytes[0] = 1;
    view.setBigInt64(24, regs.getBigInt64(CONTEXT.x + 8 * Reg.a7, true), true);
    for (let i = 0; i < 6; i++)
      view.setBigInt64(32 + 8 * i, regs.getBigInt64(CONTEXT.x + 8 * (Reg.a0 + i), true), true);
    actual = 80;
  } else if (kind === 'syscall-exit') {
    bytes[0] = 2;
    const value = getReg(k, target, Reg.a0);
    view.setBigInt64(24, regs.getBigInt64(CONTEXT.x + 8 * Reg.a0, true), true);
    bytes[32] = value < 0 && value >= -4095 ? 1 : 0;
    actual = 33;
  }
  const count = Math.min(size < 0 ? actual : size, actual);
  return copyOut(k, task, out, bytes.subarray(0, count)) < 0 ? -Errno.EFAULT : actual;
}
