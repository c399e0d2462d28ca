/**
 * Module code on the hart (DESIGN.md, "How a task waits"). Always true: a call of module code is one activation `module.frame`
 * that holds the registers to go back to; while `kernelMode.depth` is not 0 the task's registers are kernel registers, and
 * everything between two instructions is plain data: a budget may end anywhere.
 */
import { CONTEXT, Trap } from '../../cpu/machine.ts';
import { functionAt, KERNEL_TEXT, RETURN_ADDRESS } from '../kapi/image.ts';
import { findKapi, KAPI_STEP, type KapiState, kapiActivation } from '../kapi/registry.ts';
import { type Kernel, unsupported } from '../kernel.ts';
import { reclaim } from '../mm/reclaim.ts';
import { defineStep, type ModuleCall, type Outcome } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import { currentPointer } from './current.ts';
import { isDemand, oops } from './fault.ts';
import { kernelStack, mapKernelImage, STACK_BYTES } from './memory.ts';

const Reg = { ra: 1, sp: 2, tp: 4, a0: 10 } as const;
/** Calls of module code inside calls of module code: more is a kernel stack overflow. */
const MAX_DEPTH = 128;
const ENOMEM = 12;
const MASK64 = (1n << 64n) - 1n;

/** What a step answers when the hart is to go on with module code. */
export const RUN_ON: ModuleCall = { kind: 'call', entry: RETURN_ADDRESS, args: [], then: [] };

/** Whether the task's registers are those of kernel code. */
export const inKernelMode = (task: Task): boolean => task.kernelMode !== null && task.kernelMode.depth > 0;

/** A call of code at `entry`; `then` is entered with what it returned. Without `then` its result is the step's. */
export const call = (
  entry: number,
  args: readonly number[],
  ...then: ModuleCall['then'] extends readonly (infer A)[] ? A[] : never
): ModuleCall => ({ kind: 'call', entry, args, then });

/** The lowest and highest address of the task's kernel stack; null when it has none. */
export function stackOf(k: Kernel, task: Task): { base: number; top: number } | null {
  const base = k.module.stacks.get(task.tid);
  return base === undefined ? null : { base, top: base + STACK_BYTES };
}

/**
 * Begins a call: saves the registers in an activation and sets those of the callee. The task is loaded. Answers 0, or a negative
 * errno when it cannot be.
 */
export function pushFrame(k: Kernel, task: Task, target: ModuleCall): number {
  if (!mapKernelImage(k)) return -ENOMEM;
  const stack = kernelStack(k, task);
  if (stack === 0) return -ENOMEM;
  const { hart } = k;
  task.kernelMode ??= {
    depth: 0,
    userContext: new Uint8Array(0),
    sinceNs: 0,
    lockups: 0,
    call: null,
    wideResult: null,
  };
  const mode = task.kernelMode;
  const saved = new Uint8Array(CONTEXT.size);
  hart.saveContext(saved);
  const outermost = mode.depth === 0;
  if (outermost) {
    mode.userContext = saved;
    mode.sinceNs = k.time.nowNs;
    mode.lockups = 0;
  }
  task.activations.push({ step: 'module.frame', state: { saved } });
  mode.depth++;
  const context = saved.slice();
  const view = new DataView(context.buffer);
  const set = (reg: number, value: number): void =>
    view.setBigInt64(CONTEXT.x + 8 * reg, BigInt.asIntN(64, BigInt(value) & MASK64), true);
  const sp = outermost ? stack + STACK_BYTES - 288 : hart.x(Reg.sp) - mod16(hart.x(Reg.sp));
  if (outermost) for (let reg = 1; reg < 32; reg++) set(reg, 0);
  set(Reg.ra, RETURN_ADDRESS);
  set(Reg.sp, sp);
  set(Reg.tp, currentPointer(k, task));
  for (let i = 0; i < 8; i++) set(Reg.a0 + i, target.args[i] ?? 0);
  view.setBigInt64(CONTEXT.pc, BigInt(target.entry), true);
  view.setUint32(CONTEXT.flags, 1, true);
  hart.loadContext(context);
  return 0;
}

const mod16 = (value: number): number => ((value % 16) + 16) % 16;

/** Ends a call: the registers are again those of before. The caller then settles the number the call answered. */
function popRegisters(k: Kernel, task: Task): void {
  const top = task.activations[task.activations.length - 1];
  const mode = task.kernelMode!;
  k.hart.loadContext(top.state.saved as Uint8Array);
  mode.depth--;
  if (mode.depth === 0) mode.userContext = new Uint8Array(0);
}

/** Gives the number an exported function answered to the code that called it. */
function answer(k: Kernel, task: Task, value: number): void {
  const mode = task.kernelMode!;
  if (mode.wideResult === null) k.hart.setX(Reg.a0, value);
  else k.hart.setXBig(Reg.a0, mode.wideResult);
  mode.wideResult = null;
  mode.call = null;
  k.hart.pc = k.hart.x(Reg.ra);
}

/** Module code that goes on: after a budget's end, or with the result of the exported function it called. */
defineStep('module.frame', (k, task, _state, entry) => {
  if (entry.by === 'result') answer(k, task, entry.value);
  return RUN_ON;
});

/** An exported function that waited, or called module code itself. */
defineStep(KAPI_STEP, (k, task, state: KapiState, entry) => {
  if (entry.by === 'result') return entry.value;
  state.entered = entry.by;
  task.kernelMode!.call = state;
  task.kernelMode!.sinceNs = k.time.nowNs;
  return findKapi(state.name)!(k, task, state.args);
});

/** What a trap in kernel mode came to: an outcome for the engine, or null: the hart goes on. */
export type KernelTrap = { readonly outcome: Outcome } | null;

const GONE: KernelTrap = { outcome: 0 };

/** The hart stopped in kernel mode. */
export function kernelTrap(k: Kernel, task: Task, trap: number): KernelTrap {
  const { hart } = k;
  if (trap === Trap.EcallFromSupervisor) {
    const { pc } = hart;
    if (pc === RETURN_ADDRESS) {
      const value = hart.x(Reg.a0);
      popRegisters(k, task);
      return { outcome: value };
    }
    if (pc >= KERNEL_TEXT) return callExported(k, task, pc);
    // The SBI of this machine knows no call (SBI_ERR_NOT_SUPPORTED).
    hart.setX(Reg.a0, -2);
    hart.pc = pc + 4;
    return null;
  }
  const memorySpent = trap === Trap.StoreAccess || trap === Trap.LoadAccess || trap === Trap.FetchAccess;
  if (memorySpent && hart.tval < 0 && reclaim(k, 64) > 0) return null;
  const fault = { cause: trap, tval: hart.tval, exact: hart.tvalBig, pc: hart.pc };
  if (isDemand(k, task, fault)) return null;
  oops(k, task, fault);
  return afterFault(task);
}

/** A fault either killed the task (or the VM), or the code goes on, as after a WARN. */
const afterFault = (task: Task): KernelTrap => (task.state === 'running' && inKernelMode(task) ? null : GONE);

/** What sits at the entry of an exported function: an outcome in place of the call, or null. */
type Probe = (k: Kernel, task: Task, pc: number) => Outcome | null;
let probe: Probe = () => null;

/** The family of probes registers itself here. */
export function provideProbe(found: Probe): void {
  probe = found;
}

function callExported(k: Kernel, task: Task, pc: number): KernelTrap {
  const { hart } = k;
  const symbol = functionAt(k, pc);
  const handler = symbol && findKapi(symbol.name);
  if (!handler) {
    unsupported(k, `kernel function ${symbol?.name ?? pc.toString(16)}`);
    oops(k, task, { cause: Trap.IllegalInstruction, tval: 0, pc });
    return afterFault(task);
  }
  const mode = task.kernelMode!;
  if (mode.depth > MAX_DEPTH) {
    oops(k, task, { cause: Trap.StorePageFault, tval: hart.x(Reg.sp), pc });
    return afterFault(task);
  }
  const args = [0, 0, 0, 0, 0, 0, 0, 0];
  for (let i = 0; i < 8; i++) args[i] = hart.x(Reg.a0 + i);
  const state: KapiState = { name: symbol.name, args, deadlineNs: null, scratch: null, entered: 'start' };
  mode.call = state;
  mode.wideResult = null;
  const outcome = (k.tasking.kprobes.size > 0 ? probe(k, task, pc) : null) ?? handler(k, task, args);
  if (task.state !== 'running' || task.kernelMode === null || k.halted) return GONE;
  if (task.kernelMode.depth === 0) return GONE;
  if (typeof outcome === 'number') {
    answer(k, task, outcome);
    return null;
  }
  // A lock that is taken: the call is made again.
  if (outcome === RUN_ON) return null;
  task.activations.push(kapiActivation(state));
  return { outcome };
}

/** What the engine does with a task that dies in kernel mode: nothing of its stay is left but what it held. */
export function abandonKernelMode(k: Kernel, task: Task): void {
  task.activations = [];
  task.kernelMode = null;
  k.module.irqsOff = 0;
}
