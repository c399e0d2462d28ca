/**
 * The proc file system: one declaration of its whole tree. Always true: a file shows what the rooms' state says at the moment
 * it is read; nothing is kept for it.
 */
import { dir, file, link, type NodeContext } from '../kernfs.ts';
import { defineKernfs } from '../kernfs-fs.ts';
import {
  showCpuinfo,
  showInterrupts,
  showLoadavg,
  showSchedstat,
  showSoftirqs,
  showStat,
  showUptime,
  showVersion,
} from './cpu.ts';
import {
  showConsoles,
  showDevices,
  showFilesystems,
  showLdiscs,
  showLocks,
  showMisc,
  showTtyDrivers,
  sysvipcHeads,
} from './devices.ts';
import { showSlabinfo, showVmallocinfo } from './heap.ts';
import { kmsgFile } from './kmsg.ts';
import * as memory from './memory.ts';
import { processes, selfLink, threadSelfLink } from './pid/index.ts';
import { showKallsyms, showModules } from './symbols.ts';
import './sys/kernel.ts';
import './sys/others.ts';
import { generationOf, sysctlTree } from './sys/sysctl.ts';
import { sysrq } from './sysrq.ts';

const text = (content: string, mode = 0o444) => file(() => content, { mode });

/** What lies in the root directory besides the processes. */
const children = {
  buddyinfo: file(memory.showBuddyinfo),
  bus: dir(),
  cgroups: text('#subsys_name\thierarchy\tnum_cgroups\tenabled\n'),
  cmdline: file((k) => `${k.identity.cmdline}\n`),
  consoles: file(showConsoles),
  cpuinfo: file(showCpuinfo),
  crypto: text(''),
  devices: file(showDevices),
  diskstats: text(''),
  dma: text(''),
  driver: dir(),
  execdomains: text('0-0\tLinux           \t[kernel]\n'),
  fb: text(''),
  filesystems: file(showFilesystems),
  fs: dir(),
  interrupts: file(showInterrupts),
  iomem: file(memory.showIomem),
  ioports: text(''),
  irq: dir(),
  kallsyms: file(showKallsyms),
  'key-users': text(''),
  keys: text(''),
  kmsg: kmsgFile,
  loadavg: file(showLoadavg),
  locks: file(showLocks),
  meminfo: file(memory.showMeminfo),
  misc: file(showMisc),
  modules: file(showModules),
  mounts: link('self/mounts'),
  net: link('self/net'),
  pagetypeinfo: file(memory.showPagetypeinfo),
  partitions: text(''),
  schedstat: file(showSchedstat),
  self: selfLink,
  slabinfo: file(showSlabinfo, { mode: 0o400 }),
  softirqs: file(showSoftirqs),
  stat: file(showStat),
  swaps: file(memory.showSwaps),
  sys: dir(
    {},
    {
      list: (k) => sysctlTree(generationOf(k)).children,
      find: (k, _ctx, name) => {
        const node = sysctlTree(generationOf(k)).children.get(name);
        return node ? { node } : null;
      },
    },
  ),
  'sysrq-trigger': file(undefined, {
    mode: 0o200,
    store(k, _task, _ctx, keys) {
      sysrq(k, keys[0] ?? '');
      return keys.length;
    },
  }),
  sysvipc: dir({ msg: text(sysvipcHeads.msg), sem: text(sysvipcHeads.sem), shm: text(sysvipcHeads.shm) }),
  'thread-self': threadSelfLink,
  tty: dir({
    driver: dir({}, { mode: 0o500 }),
    drivers: file(showTtyDrivers),
    ldisc: dir(),
    ldiscs: file(showLdiscs),
  }),
  uptime: file(showUptime),
  version: file(showVersion),
  vmallocinfo: file(showVmallocinfo, { mode: 0o400 }),
  vmstat: file(memory.showVmstat),
  zoneinfo: file(memory.showZoneinfo),
};

defineKernfs({
  name: 'proc',
  magic: 0x9fa0,
  single: true,
  createError: { dir: -2, other: -2 },
  root: dir(children, {
    list: (k) => processes.list(k),
    find: (k, ctx: NodeContext, name) => processes.find(k, ctx, name),
  }),
});

export { provideNetFile } from './net.ts';
export { provideModules, provideSymbols } from './symbols.ts';
export { provideCrash, sysrq } from './sysrq.ts';
