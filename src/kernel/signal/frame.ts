/**
 * The signal frame on the user stack, laid out as Linux does on riscv64 (arch/riscv/kernel/signal.c, asm/ucontext.h):
 * siginfo (128 bytes), then ucontext: flags, link, stack_t, mask padded to 128 bytes, then the machine context aligned to 16:
 * pc and x1..x31, and a floating-point union whose first member is f0..f31 and fcsr.
 */
import { CONTEXT } from '../../cpu/machine.ts';
import type { Kernel } from '../kernel.ts';
import { copyIn, copyOut } from '../mm/uaccess.ts';
import { contextChanged, loadedContext, Reg } from '../task/regs.ts';
import type { Task } from '../task/types.ts';
import { Sa, UNBLOCKABLE } from './bits.ts';
import { recalcNotify } from './send.ts';
import { encodeSigInfo, SIGINFO_SIZE } from './siginfo.ts';
import type { SigAction, SigInfo } from './types.ts';

const UC_STACK = SIGINFO_SIZE + 16;
const UC_SIGMASK = SIGINFO_SIZE + 40;
const UC_REGS = SIGINFO_SIZE + 176;
const UC_FPREGS = UC_REGS + 256;
const FRAME_SIZE = SIGINFO_SIZE + 960;

/** Where a frame is put together before it is copied out; holds nothing between two calls. */
const scratch = new Uint8Array(FRAME_SIZE);
const scratchView = new DataView(scratch.buffer);

const SS_ONSTACK = 1;
const SS_DISABLE = 2;
const SS_AUTODISARM = 0x80000000;

export const onAltStack = (task: Task, sp: number): boolean => {
  const { altStack } = task;
  if (altStack.flags & SS_AUTODISARM) return false;
  return sp > altStack.sp && sp - altStack.sp <= altStack.size;
};

/** What sigaltstack(2) and the frame say of the alternate stack. */
export const altStackFlags = (task: Task, sp: number): number =>
  task.altStack.size === 0 ? SS_DISABLE : onAltStack(task, sp) ? SS_ONSTACK : 0;

function frameAddress(task: Task, action: SigAction, sp: number): number {
  let top = sp;
  // Overflowing the alternate stack must not wrap round into it: an impossible address makes the copy fail.
  if (onAltStack(task, sp) && !onAltStack(task, sp - FRAME_SIZE)) return -1;
  if (action.flags & Sa.ONSTACK && task.altStack.size > 0 && !onAltStack(task, sp))
    top = task.altStack.sp + task.altStack.size;
  const at = top - FRAME_SIZE;
  return at - (at % 16);
}

/**
 * Pushes a frame and points the task at the handler. `mask` is what rt_sigreturn puts back. Answers false when the stack
 * cannot take the frame: the caller raises SIGSEGV.
 */
export function pushFrame(
  k: Kernel,
  task: Task,
  action: SigAction,
  info: SigInfo,
  mask: bigint,
  trampoline: number,
): boolean {
  const context = loadedContext(k, task);
  const regs = new DataView(context.buffer, context.byteOffset, context.byteLength);
  const sp = Number(regs.getBigInt64(CONTEXT.x + 8 * Reg.sp, true));
  const at = frameAddress(task, action, sp);
  if (at < 0) return false;
  const frame = scratch;
  const view = scratchView;
  frame.fill(0);
  frame.set(encodeSigInfo(info), 0);
  view.setBigInt64(UC_STACK, BigInt(task.altStack.sp), true);
  view.setUint32(UC_STACK + 8, altStackFlags(task, sp) | (task.altStack.flags & SS_AUTODISARM), true);
  view.setBigInt64(UC_STACK + 16, BigInt(task.altStack.size), true);
  view.setBigUint64(UC_SIGMASK, mask, true);
  frame.set(context.subarray(CONTEXT.x, CONTEXT.x + 256), UC_REGS);
  frame.set(context.subarray(CONTEXT.pc, CONTEXT.pc + 8), UC_REGS);
  frame.set(context.subarray(CONTEXT.f, CONTEXT.f + 256), UC_FPREGS);
  frame.set(context.subarray(CONTEXT.fcsr, CONTEXT.fcsr + 4), UC_FPREGS + 256);
  if (copyOut(k, task, at, frame) < 0) return false;
  if (task.altStack.flags & SS_AUTODISARM) task.altStack = { sp: 0, size: 0, flags: SS_DISABLE };
  regs.setBigInt64(CONTEXT.x + 8 * Reg.ra, BigInt(trampoline), true);
  regs.setBigInt64(CONTEXT.x + 8 * Reg.sp, BigInt(at), true);
  regs.setBigInt64(CONTEXT.x + 8 * Reg.a0, BigInt(info.signo), true);
  regs.setBigInt64(CONTEXT.x + 8 * Reg.a1, BigInt(at), true);
  regs.setBigInt64(CONTEXT.x + 8 * Reg.a2, BigInt(at + SIGINFO_SIZE), true);
  regs.setBigInt64(CONTEXT.pc, BigInt(action.handler), true);
  contextChanged(k, task);
  return true;
}

/** rt_sigreturn(2): takes registers, mask and alternate stack back from the frame at sp. False: the frame is bad. */
export function popFrame(k: Kernel, task: Task): boolean {
  const context = loadedContext(k, task);
  const regs = new DataView(context.buffer, context.byteOffset, context.byteLength);
  const sp = Number(regs.getBigInt64(CONTEXT.x + 8 * Reg.sp, true));
  const frame = copyIn(k, task, sp, FRAME_SIZE);
  if (!frame) return false;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const saved = loadedContext(k, task);
  saved.set(frame.subarray(UC_REGS + 8, UC_REGS + 256), CONTEXT.x + 8);
  saved.set(frame.subarray(UC_REGS, UC_REGS + 8), CONTEXT.pc);
  saved.set(frame.subarray(UC_FPREGS, UC_FPREGS + 256), CONTEXT.f);
  saved.set(frame.subarray(UC_FPREGS + 256, UC_FPREGS + 260), CONTEXT.fcsr);
  contextChanged(k, task);
  task.blocked = view.getBigUint64(UC_SIGMASK, true) & ~UNBLOCKABLE;
  const newSp = Number(regs.getBigInt64(CONTEXT.x + 8 * Reg.sp, true));
  const flags = view.getUint32(UC_STACK + 8, true);
  const size = Number(view.getBigInt64(UC_STACK + 16, true));
  if (!onAltStack(task, newSp))
    task.altStack =
      flags & SS_DISABLE
        ? { sp: 0, size: 0, flags: SS_DISABLE }
        : {
            sp: Number(view.getBigInt64(UC_STACK, true)),
            size,
            flags: flags & SS_AUTODISARM,
          };
  recalcNotify(task);
  return true;
}
