/**
 * Probes on exported functions (kernel/kprobes.c). Always true: a probe sits at the entry of a function of ours; its handler runs before
 * the function does, with the caller's registers in a struct pt_regs; then the call is made again and passes the probe.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import { fieldOf, sizeOf } from '../abi/structs/declare.ts';
import '../abi/structs/index.ts';
import type { Kernel } from '../kernel.ts';
import { readKString, writeKBig } from '../module/kmem.ts';
import { call, provideProbe, RUN_ON } from '../module/runtime.ts';
import { defineStep, type Outcome } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import { arenaAlloc, bad, isLive, load, loadU32, store, store32 } from './guest.ts';
import { functionAt, kernelSymbol } from './image.ts';
import { kapi } from './registry.ts';

const ADDR = fieldOf('kprobe', 'addr').offset;
const SYMBOL = fieldOf('kprobe', 'symbol_name').offset;
const OFFSET = fieldOf('kprobe', 'offset').offset;
const PRE = fieldOf('kprobe', 'pre_handler').offset;
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
  left: Vaddr[];
  regs: Vaddr;
}

/** The next handler; null when all have run. */
function next(k: Kernel, task: Task, state: Probed): Outcome | null {
  for (;;) {
    const probe = state.left.shift();
    if (probe === undefined) return null;
    const func = load(k, task, probe + PRE);
    const flags = loadU32(k, task, probe + FLAGS);
    if (!isLive(k, task)) return 0;
    if (func !== 0 && (flags & DISABLED) === 0)
      return call(func, [probe, state.regs], { step: 'kapi.probed', state });
  }
}

defineStep('kapi.probed', (k, task, state: Probed) => {
  const outcome = next(k, task, state);
  if (outcome !== null) return outcome;
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
  if (task.activations.some(({ step }) => step === 'kapi.probed')) return null;
  return next(k, task, { pc, left: [...probes], regs: registers(k, pc) });
});
