/** What processes have used (man 2 getrusage, times). Times are nanoseconds of the VM's clock. */
import type { Kernel } from '../kernel.ts';
import { threadsOf } from './create.ts';
import type { Task, ThreadGroup } from './types.ts';

export interface Usage {
  utimeNs: number;
  stimeNs: number;
  maxRssPages: number;
  minFaults: number;
  majFaults: number;
  voluntary: number;
  involuntary: number;
}

/** Use of a process itself. */
export function usageOfGroup(k: Kernel, group: ThreadGroup): Usage {
  let voluntary = 0;
  let involuntary = 0;
  let maxRssPages = group.maxRssPages;
  for (const thread of threadsOf(k, group)) {
    voluntary += thread.voluntarySwitches;
    involuntary += thread.involuntarySwitches;
    if (thread.mm)
      maxRssPages = Math.max(maxRssPages, thread.mm.hiwaterRss, thread.mm.rssAnon + thread.mm.rssFile);
  }
  const { utimeNs, stimeNs, minFaults, majFaults } = group;
  return {
    utimeNs,
    stimeNs,
    maxRssPages,
    minFaults,
    majFaults,
    voluntary,
    involuntary,
  };
}

/** Use of the children that were waited for. */
export const usageOfChildren = (group: ThreadGroup): Usage => ({
  utimeNs: group.cutimeNs,
  stimeNs: group.cstimeNs,
  maxRssPages: group.childMaxRssPages,
  minFaults: group.cminFaults,
  majFaults: group.cmajFaults,
  voluntary: 0,
  involuntary: 0,
});

/** Use of one thread. */
export function usageOfTask(k: Kernel, task: Task): Usage {
  const usage = usageOfGroup(k, task.group);
  return {
    ...usage,
    utimeNs: task.utimeNs,
    stimeNs: task.stimeNs,
    voluntary: task.voluntarySwitches,
    involuntary: task.involuntarySwitches,
  };
}

/** A child and its children together, as wait4 answers. */
export function addUsage(a: Usage, b: Usage): Usage {
  return {
    utimeNs: a.utimeNs + b.utimeNs,
    stimeNs: a.stimeNs + b.stimeNs,
    maxRssPages: Math.max(a.maxRssPages, b.maxRssPages),
    minFaults: a.minFaults + b.minFaults,
    majFaults: a.majFaults + b.majFaults,
    voluntary: a.voluntary + b.voluntary,
    involuntary: a.involuntary + b.involuntary,
  };
}

/** Adds a reaped child to its parent's account. */
export function collectChild(k: Kernel, parent: ThreadGroup, child: ThreadGroup): void {
  const own = usageOfGroup(k, child);
  parent.cutimeNs += own.utimeNs + child.cutimeNs;
  parent.cstimeNs += own.stimeNs + child.cstimeNs;
  parent.cminFaults += own.minFaults + child.cminFaults;
  parent.cmajFaults += own.majFaults + child.cmajFaults;
  parent.childMaxRssPages = Math.max(parent.childMaxRssPages, own.maxRssPages, child.childMaxRssPages);
}

/** struct rusage of riscv64: 144 bytes. */
export function encodeRusage(usage: Usage): Uint8Array {
  const bytes = new Uint8Array(144);
  const view = new DataView(bytes.buffer);
  const long = (at: number, value: number): void => view.setBigInt64(at, BigInt(Math.floor(value)), true);
  long(0, usage.utimeNs / 1e9);
  long(8, (usage.utimeNs % 1e9) / 1e3);
  long(16, usage.stimeNs / 1e9);
  long(24, (usage.stimeNs % 1e9) / 1e3);
  long(32, usage.maxRssPages * 4);
  long(64, usage.minFaults);
  long(72, usage.majFaults);
  long(128, usage.voluntary);
  long(136, usage.involuntary);
  return bytes;
}
