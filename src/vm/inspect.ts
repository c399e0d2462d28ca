/**
 * A read-only view of a VM's kernel as typed JSON (inspect-schema.ts): what a teaching assistant sees. Always true: nothing here
 * changes the VM, and looking does not show in its state hash.
 */
import { dPath } from '../kernel/fs/dpath.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { kallsyms } from '../kernel/module/symbols.ts';
import { taintText } from '../kernel/panic/report.ts';
import { hex64 } from '../kernel/panic/trace.ts';
import { devicesView } from './inspect-devices.ts';
import { memoryView } from './inspect-memory.ts';
import { moduleSummaries, moduleViewOf, moduleViews } from './inspect-modules.ts';
import type {
  IdentityView,
  InspectPart,
  InspectParts,
  KernelSummary,
  KernelView,
  LogView,
  ModuleView,
  MountView,
  OopsView,
  ProcessView,
} from './inspect-schema.ts';
import { processSummaries, processViewOf, processViews } from './inspect-tasks.ts';
import type { Vm } from './vm.ts';

const identityView = (k: Kernel): IdentityView => ({
  release: k.identity.release,
  version: k.identity.version,
  hostname: k.hostname,
  cmdline: k.identity.cmdline,
  uptimeNs: k.time.nowNs,
  instructions: k.sched.retired,
  taint: k.taint,
  taints: k.taint === 0 ? '' : taintText(k).replace('Tainted: ', '').trimEnd(),
  halted: k.halted && { ...k.halted },
  unsupported: [...k.unsupported].map(([what, count]) => ({ what, count })),
});

const logView = (k: Kernel): LogView[] =>
  k.printk.records.map(({ seq, timeNs, level, facility, text }) => ({
    sequence: seq,
    timeNs,
    level,
    facility,
    text,
  }));

const mountViews = (k: Kernel): MountView[] =>
  k.fs.mounts.map((mount) => ({
    source: mount.source,
    target: dPath({ mnt: mount, dentry: mount.root }, { mnt: k.fs.rootMount, dentry: k.fs.rootMount.root }),
    type: mount.sb.type,
    options: mount.options,
  }));

const oopsViews = (k: Kernel): OopsView[] => structuredClone(k.panic.reports);

/** How each part is made. */
const parts: { [P in InspectPart]: (k: Kernel) => InspectParts[P] } = {
  identity: identityView,
  modules: moduleSummaries,
  devices: devicesView,
  processes: processSummaries,
  log: logView,
  memory: memoryView,
  symbols: (k) => kallsyms(k).map((symbol) => ({ ...symbol, address: hex64(symbol.address) })),
  oopses: oopsViews,
  mounts: mountViews,
};

/** One part of a VM's kernel, by name; nothing else is computed. */
export function inspectPart<P extends InspectPart>(vm: Vm, part: P): InspectParts[P] {
  return parts[part](vm.kernel);
}

/** A loaded module with everything it holds; null when it is not loaded. */
export const inspectModule = (vm: Vm, name: string): ModuleView | null => moduleViewOf(vm.kernel, name);

/** A process with its threads and their kernel stacks; null when there is none. */
export const inspectProcess = (vm: Vm, pid: number): ProcessView | null => processViewOf(vm.kernel, pid);

/** The whole kernel of a VM, but for its symbols. */
export function inspect(vm: Vm): KernelView {
  const k = vm.kernel;
  return {
    ...identityView(k),
    modules: moduleViews(k),
    devices: devicesView(k),
    processes: processViews(k),
    log: logView(k),
    memory: memoryView(k),
    oopses: oopsViews(k),
    mounts: mountViews(k),
    timers: k.time.heap.map(({ atNs, kind }) => ({ atNs, kind })).sort((a, b) => a.atNs - b.atNs),
  };
}

/** What a command may have done to the kernel, for a comparison of before and after. Costs microseconds. */
export function kernelSummary(vm: Vm): KernelSummary {
  const k = vm.kernel;
  return {
    taint: k.taint,
    halted: k.halted?.reason ?? null,
    modules: k.module.modules.map(({ name }) => name),
    chrdevs: k.drivers.chrdevs.map(({ major, name }) => ({ major, name })),
    oopses: k.panic.deaths,
    warnings: k.panic.warnings,
    nextLogSequence: k.printk.nextSeq,
  };
}
