/**
 * A read-only view of a VM's kernel as typed JSON: what a teaching assistant sees. Nothing here changes the VM, and looking does not
 * show in its state hash.
 */
import { dPath } from '../kernel/fs/dpath.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { ProblemReport } from '../kernel/panic/types.ts';
import type { Task } from '../kernel/task/types.ts';
import {
  type AllocationView,
  kernelStack,
  leakedViews,
  type ModuleView,
  moduleViews,
} from './inspect-modules.ts';
import type { Vm } from './vm.ts';

export interface ProcessView {
  pid: number;
  parentPid: number;
  comm: string;
  state: string;
  uid: number;
  gid: number;
  sid: number;
  pgid: number;
  tty: string | null;
  /** `stack`: its call trace inside the kernel, innermost first. */
  threads: { tid: number; comm: string; state: string; waitsFor: string | null; stack: string[] }[];
  residentPages: number;
  virtualPages: number;
  userNs: number;
  systemNs: number;
  openFiles: { fd: number; path: string; kind: string }[];
}

export interface KernelView {
  release: string;
  version: string;
  hostname: string;
  cmdline: string;
  uptimeNs: number;
  instructions: number;
  taint: number;
  halted: { reason: string; text: string } | null;
  memory: { quotaPages: number; usedPages: number; privatePages: number };
  processes: ProcessView[];
  mounts: { source: string; target: string; type: string; options: string }[];
  devices: { name: string; class: string | null; major: number; minor: number; node: string | null }[];
  chrdevs: { major: number; baseMinor: number; count: number; name: string }[];
  log: { sequence: number; timeNs: number; level: number; facility: number; text: string }[];
  timers: { atNs: number; kind: string }[];
  modules: ModuleView[];
  /** Memory of modules that were unloaded and did not free it. */
  leaked: AllocationView[];
  /** Oopses, warnings, lockups and the panic, taken apart. */
  problems: ProblemReport[];
  /** Things the guest asked for that are not supported, with how often. */
  unsupported: { what: string; count: number }[];
}

/** What a parked task is inside of: the name of its innermost continuation, or its system call's number. */
function waitsFor(task: Task): string | null {
  if (task.state !== 'sleeping') return null;
  const top = task.activations.at(-1);
  return top?.step ?? (task.syscall ? `syscall ${task.syscall.nr}` : null);
}

function processViews(k: Kernel): ProcessView[] {
  const views: ProcessView[] = [];
  for (const group of k.task.groups.values()) {
    const leader = k.task.tasks.get(group.pid);
    if (!leader) continue;
    const threads = group.threads
      .map((tid) => k.task.tasks.get(tid))
      .filter((task): task is Task => task !== undefined);
    const { mm } = leader;
    views.push({
      pid: group.pid,
      parentPid: group.parentPid,
      comm: leader.comm,
      state: leader.state,
      uid: leader.cred.uid,
      gid: leader.cred.gid,
      sid: group.sid,
      pgid: group.pgid,
      tty: group.tty?.name ?? null,
      threads: threads.map((task) => ({
        tid: task.tid,
        comm: task.comm,
        state: task.state,
        waitsFor: waitsFor(task),
        stack: kernelStack(k, task),
      })),
      residentPages: mm ? mm.rssAnon + mm.rssFile : 0,
      virtualPages: mm?.totalVmPages ?? 0,
      userNs: group.utimeNs,
      systemNs: group.stimeNs,
      openFiles: leader.files.fds.flatMap((entry, fd) =>
        entry
          ? [
              {
                fd,
                path: entry.file.path ? dPath(entry.file.path, leader.fs.root) : entry.file.label,
                kind: entry.file.kind,
              },
            ]
          : [],
      ),
    });
  }
  return views;
}

/** The whole kernel of a VM as JSON. */
export function inspect(vm: Vm): KernelView {
  const k = vm.kernel;
  return {
    release: k.identity.release,
    version: k.identity.version,
    hostname: k.hostname,
    cmdline: k.identity.cmdline,
    uptimeNs: k.time.nowNs,
    instructions: k.sched.retired,
    taint: k.taint,
    halted: k.halted && { ...k.halted },
    memory: {
      quotaPages: k.quotas.memoryPages,
      usedPages: k.guest.usedPages,
      privatePages: k.guest.privatePages(),
    },
    processes: processViews(k),
    mounts: k.fs.mounts.map((mount) => ({
      source: mount.source,
      target: dPath({ mnt: mount, dentry: mount.root }, { mnt: k.fs.rootMount, dentry: k.fs.rootMount.root }),
      type: mount.sb.type,
      options: mount.options,
    })),
    devices: k.drivers.devices.map((device) => ({
      name: device.name,
      class: device.class,
      major: (device.rdev >> 8) & 0xfff,
      minor: (device.rdev & 0xff) | ((device.rdev >> 12) & ~0xff),
      node: device.node,
    })),
    chrdevs: k.drivers.chrdevs.map(({ major, baseMinor, count, name }) => ({
      major,
      baseMinor,
      count,
      name,
    })),
    log: k.printk.records.map(({ seq, timeNs, level, facility, text }) => ({
      sequence: seq,
      timeNs,
      level,
      facility,
      text,
    })),
    timers: k.time.heap.map(({ atNs, kind }) => ({ atNs, kind })).sort((a, b) => a.atNs - b.atNs),
    modules: moduleViews(k),
    leaked: leakedViews(k),
    problems: structuredClone(k.panic.reports),
    unsupported: [...k.unsupported].map(([what, count]) => ({ what, count })),
  };
}
