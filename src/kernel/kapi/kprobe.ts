/**
 * Probes on exported functions (kernel/kprobes.c). Always true: a probe sits at the entry of a function of ours; its handler runs before
 * the function does, with the caller's registers in a struct pt_regs; then the call is made again and passes the probe. A call whose
 * return is probed has the trampoline for its return address.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import { fieldOf, sizeOf } from '../abi/structs/declare.ts';
import '../abi/structs/index.ts';
import type { Kernel } from '../kernel.ts';
import { readKString, writeKBig } from '../module/kmem.ts';
import { call, provideProbe, RUN_ON } from '../module/runtime.ts';
import { defineStep, type Outcome } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import { unsigned } from './access.ts';
import { arenaAlloc, bad, isLive, load, loadU32, store, store32 } from './guest.ts';
import { functionAt, kernelSymbol } from './image.ts';
import { kfree, kmalloc } from './memory.ts';
import { findKapi, type KapiHandler, kapi, wide } from './registry.ts';
import { kapiRoom } from './room.ts';

const ADDR = fieldOf('kprobe', 'addr').offset;
const SYMBOL = fieldOf('kprobe', 'symbol_name').offset;
const OFFSET = fieldOf('kprobe', 'offset').offset;
const PRE = fieldOf('kprobe', 'pre_handler').offset;
const POST = fieldOf('kprobe', 'post_handler').offset;
const HANDLER = fieldOf('kretprobe', 'handler').offset;
const ENTRY = fieldOf('kretprobe', 'entry_handler').offset;
const MAXACTIVE = fieldOf('kretprobe', 'maxactive').offset;
const NMISSED = fieldOf('kretprobe', 'nmissed').offset;
const DATA_SIZE = fieldOf('kretprobe', 'data_size').offset;
const RET_ADDR = fieldOf('kretprobe_instance', 'ret_addr').offset;
const DEFAULT_MAXACTIVE = 10;
const RA = 1;
const A0 = 10;
const FLAGS = fieldOf('kprobe', 'flags').offset;
const DISABLED = 2;
const ENOENT = 2;
const EINVAL = 22;
const EILSEQ = 84;

kapi('register_kprobe', (k, task, [probe]) => {
  const name = load(k, task, probe + SYMBOL);
  let address = load(k, task, probe + ADDR);
  const offset = loadU32(k, task, probe + OFFSET);
  if (!isLive(k, task)) return 0;
  if (name !== 0) {
    if (address !== 0) return -EINVAL;
    const text = readKString(k, name, 128);
    if (text === null) return bad(k, task, name, false);
    address = kernelSymbol(k, text);
    if (address === 0) return -ENOENT;
  }
  if (address === 0) return -EINVAL;
  // Inside a function of ours there are no instructions to stop at.
  if (offset !== 0 || !functionAt(k, address)) return -EILSEQ;
  const probes = k.tasking.kprobes.get(address) ?? [];
  if (probes.includes(probe)) return -EINVAL;
  if (store(k, task, probe + ADDR, address)) k.tasking.kprobes.set(address, [...probes, probe]);
  return 0;
});
kapi('unregister_kprobe', (k, _task, [probe]) => {
  for (const [address, probes] of k.tasking.kprobes) {
    const rest = probes.filter((other) => other !== probe);
    if (rest.length > 0) k.tasking.kprobes.set(address, rest);
    else k.tasking.kprobes.delete(address);
  }
  return 0;
});
for (const [name, disable] of [
  ['disable_kprobe', true],
  ['enable_kprobe', false],
] as const)
  kapi(name, (k, task, [probe]) => {
    const flags = loadU32(k, task, probe + FLAGS);
    if (isLive(k, task)) store32(k, task, probe + FLAGS, disable ? flags | DISABLED : flags & ~DISABLED);
    return 0;
  });

/** The registers of the caller as handlers see them. One frame is enough: handlers do not sleep. */
function registers(k: Kernel, pc: Vaddr): Vaddr {
  const { objects } = k.tasking;
  const regs = objects.get('kprobe:regs') ?? arenaAlloc(k, sizeOf('pt_regs'));
  if (regs === 0) return 0;
  objects.set('kprobe:regs', regs);
  writeKBig(k, regs, BigInt(pc));
  for (let i = 1; i < 32; i++) writeKBig(k, regs + 8 * i, k.hart.xBig(i));
  return regs;
}

interface Probed {
  pc: Vaddr;
  /** What is still to be called: functions of struct kprobe, and entry handlers of struct kretprobe. */
  left: { probe: Vaddr; what: 'pre' | 'post' | 'entry' }[];
  regs: Vaddr;
  /** The instance whose entry handler runs. */
  instance: Vaddr;
  /** Instances whose return is to be caught. */
  armed: Vaddr[];
}

/** struct kretprobe_instance of one call; 0: too many are under way. */
function newInstance(k: Kernel, task: Task, probe: Vaddr): Vaddr {
  const all = [...k.tasking.returns.values()].flat().filter((each) => each.probe === probe).length;
  const max = loadU32(k, task, probe + MAXACTIVE) | 0;
  if (all >= (max > 0 ? max : DEFAULT_MAXACTIVE)) {
    store32(k, task, probe + NMISSED, loadU32(k, task, probe + NMISSED) + 1);
    return 0;
  }
  const size = Math.min(unsigned(load(k, task, probe + DATA_SIZE)), 4096);
  const made = kmalloc(k, task, sizeOf('kretprobe_instance') + size);
  if (made === 0) return 0;
  kapiRoom(k).heap.objects.delete(made);
  store(k, task, made, probe);
  return made;
}

/** The next handler; null when all have run. */
function next(k: Kernel, task: Task, state: Probed): Outcome | null {
  for (;;) {
    const item = state.left.shift();
    if (item === undefined) return null;
    const { probe, what } = item;
    const flags = loadU32(k, task, probe + FLAGS);
    const func = load(k, task, probe + (what === 'pre' ? PRE : what === 'post' ? POST : ENTRY));
    if (!isLive(k, task)) return 0;
    if ((flags & DISABLED) !== 0) continue;
    const then = { step: 'kapi.probed', state };
    if (what !== 'entry') {
      if (func !== 0) return call(func, what === 'pre' ? [probe, state.regs] : [probe, state.regs, 0], then);
      continue;
    }
    const instance = newInstance(k, task, probe);
    if (instance === 0) continue;
    if (func === 0) {
      state.armed.push(instance);
      continue;
    }
    state.instance = instance;
    return call(func, [instance, state.regs], then);
  }
}

/** The calls to be caught return to the trampoline. */
function arm(k: Kernel, task: Task, state: Probed): void {
  const trampoline = kernelSymbol(k, 'kretprobe_trampoline') || kernelSymbol(k, 'arch_rethook_trampoline');
  const list = k.tasking.returns.get(task.tid) ?? [];
  for (const instance of state.armed) {
    const to = k.hart.x(RA);
    store(k, task, instance + RET_ADDR, to);
    list.push({ instance, probe: load(k, task, instance), to });
    k.hart.setX(RA, trampoline);
  }
  if (list.length > 0) k.tasking.returns.set(task.tid, list);
}

defineStep('kapi.probed', (k, task, state: Probed, entry) => {
  if (state.instance !== 0) {
    // An entry handler that does not answer 0 wants nothing to do with this call.
    if (entry.by === 'result' && (entry.value | 0) === 0) state.armed.push(state.instance);
    else kfree(k, task, state.instance);
    state.instance = 0;
  }
  const outcome = next(k, task, state);
  if (outcome !== null) return outcome;
  arm(k, task, state);
  k.tasking.probed.set(task.tid, state.pc);
  // The caller's registers are back and its pc is at the function: the call is made again.
  task.activations.pop();
  return RUN_ON;
});

provideProbe((k, task, pc) => {
  const probes = k.tasking.kprobes.get(pc);
  if (!probes) return null;
  if (k.tasking.probed.get(task.tid) === pc) {
    k.tasking.probed.delete(task.tid);
    return null;
  }
  // A handler's own calls are not probed.
  if (task.activations.some(({ step }) => step === 'kapi.probed' || step === 'kapi.returned')) return null;
  const left = probes.flatMap((probe): Probed['left'] =>
    k.tasking.kretprobes.has(probe)
      ? [{ probe, what: 'entry' }]
      : [
          { probe, what: 'pre' },
          { probe, what: 'post' },
        ],
  );
  const state: Probed = { pc, left, regs: registers(k, pc), instance: 0, armed: [] };
  const outcome = next(k, task, state);
  if (outcome === null) arm(k, task, state);
  return outcome;
});

kapi('register_kretprobe', (k, task, [probe]) => {
  const done = findKapi('register_kprobe')!(k, task, [probe]);
  if (done === 0 && isLive(k, task)) k.tasking.kretprobes.add(probe);
  return done;
});
kapi('unregister_kretprobe', (k, task, [probe]) => {
  k.tasking.kretprobes.delete(probe);
  return findKapi('unregister_kprobe')!(k, task, [probe]);
});

interface Returned {
  instance: Vaddr;
  to: Vaddr;
  value: bigint;
}
/** A probed function returns here: its handler sees the result, then the caller goes on with it. */
const trampoline: KapiHandler = (k, task, args) => {
  const list = k.tasking.returns.get(task.tid);
  const top = list?.pop();
  if (!list || !top) return bad(k, task, args[0], false);
  if (list.length === 0) k.tasking.returns.delete(task.tid);
  const state: Returned = { instance: top.instance, to: top.to, value: BigInt.asIntN(64, k.hart.xBig(A0)) };
  const alive = k.tasking.kretprobes.has(top.probe);
  const func = alive ? load(k, task, top.probe + HANDLER) : 0;
  if (func === 0) return goOn(k, task, state);
  return call(func, [top.instance, registers(k, top.to)], { step: 'kapi.returned', state });
};
for (const name of ['kretprobe_trampoline', 'arch_rethook_trampoline']) kapi(name, trampoline);
function goOn(k: Kernel, task: Task, { instance, to, value }: Returned): number {
  kfree(k, task, instance);
  k.hart.setX(RA, to);
  return wide(task, value);
}
defineStep('kapi.returned', (k, task, state: Returned) => goOn(k, task, state));
