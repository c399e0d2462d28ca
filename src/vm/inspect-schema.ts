/**
 * What inspect answers, declared once: the JSON schemas that the lab's API serves and documents, and from them the types that
 * inspect.ts fills in. Always true: plain JSON; an address is 16 hexadecimal digits, for it does not fit a JSON number; times are
 * nanoseconds since the VM's boot; a name the kernel does not have is null, never an empty string.
 */
import { type Static, type TSchema, Type } from 'typebox';

const address = (description?: string) =>
  Type.String({ pattern: '^[0-9a-f]{16}$', ...(description ? { description } : {}) });
const orNull = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const names = (description?: string) => Type.Array(Type.String(), description ? { description } : {});
const ns = (description: string) => Type.Number({ description });

/** An allocation of the kernel heap that is not given back (mm/slub.c, mm/vmalloc.c). */
export const AllocationView = Type.Object({
  address: address(),
  size: Type.Number({ description: 'bytes asked for' }),
  room: Type.Number({ description: 'bytes taken' }),
  kind: Type.Enum(['kmalloc', 'cache', 'vmalloc', 'pages']),
  cache: orNull(Type.String({ description: 'slab cache' })),
  caller: Type.String({ description: 'code that asked for it, as %pS prints it' }),
  module: orNull(Type.String({ description: 'module that asked for it' })),
  timeNs: ns('when'),
  tid: Type.Number({ description: 'task that ran then' }),
});
export type AllocationView = Static<typeof AllocationView>;

/** A misuse of the heap that the allocator noticed: what KASAN would have said. */
export const HeapErrorView = Type.Object({
  kind: Type.Enum(['double-free', 'invalid-free', 'use-after-free', 'out-of-bounds']),
  address: address('what was used'),
  size: Type.Number({ description: 'bytes of the object it belongs to; 0: it belongs to none' }),
  cache: orNull(Type.String()),
  timeNs: ns('when it was noticed'),
  tid: Type.Number(),
  comm: Type.String(),
  caller: Type.String({
    description: 'code that did it; for use-after-free, that got the memory next; 0x0: nobody has yet',
  }),
  allocatedBy: orNull(Type.String()),
  freedBy: orNull(Type.String()),
  module: orNull(Type.String({ description: 'module that had allocated it' })),
});
export type HeapErrorView = Static<typeof HeapErrorView>;

const ChrdevView = Type.Object({
  major: Type.Number(),
  baseMinor: Type.Number(),
  count: Type.Number(),
  name: Type.String(),
  module: orNull(Type.String({ description: 'module that registered it' })),
});
export type ChrdevView = Static<typeof ChrdevView>;

const TimerView = Type.Object({
  address: address('struct timer_list or struct hrtimer'),
  kind: Type.String(),
  function: Type.String(),
  atNs: orNull(ns('when it is due')),
});
export type TimerView = Static<typeof TimerView>;

const moduleHead = {
  name: Type.String(),
  state: Type.Enum(['unformed', 'coming', 'live', 'going']),
  address: address('where its text begins'),
  size: Type.Number({ description: 'bytes of the core, as lsmod shows' }),
  initSize: Type.Number(),
  refcount: Type.Number({ description: '-1 after an oops in its exit function' }),
  users: names('modules that use its symbols'),
  uses: names('modules whose symbols it uses'),
  license: Type.String(),
  taints: Type.String({ description: 'letters, as in /proc/modules' }),
  loadedNs: ns('when it was loaded'),
};

/** A loaded module in a line: lsmod. */
export const ModuleSummary = Type.Object(moduleHead);
export type ModuleSummary = Static<typeof ModuleSummary>;

/** A loaded module with everything it holds. */
export const ModuleView = Type.Object({
  ...moduleHead,
  parameters: Type.Array(
    Type.Object({
      name: Type.String(),
      mode: Type.Number(),
      value: orNull(Type.String({ description: "null when only the module's own code can tell it" })),
    }),
  ),
  info: Type.Array(Type.Object({ key: Type.String(), value: Type.String() }), { description: 'modinfo' }),
  sections: Type.Array(Type.Object({ name: Type.String(), address: address(), size: Type.Number() })),
  symbols: Type.Array(
    Type.Object({ name: Type.String(), address: address(), size: Type.Number(), type: Type.String() }),
  ),
  exports: Type.Array(Type.Object({ name: Type.String(), address: address(), gplOnly: Type.Boolean() })),
  allocations: Type.Array(AllocationView, { description: 'still owned' }),
  chrdevs: Type.Array(ChrdevView),
  classes: names(),
  devices: names('device names; more about each in the device tree'),
  procEntries: names('paths'),
  sysfsEntries: names('paths of directories, attribute files and debugfs entries that it made'),
  timers: Type.Array(TimerView),
  threads: Type.Array(Type.Object({ tid: Type.Number(), comm: Type.String() })),
  workqueues: names(),
  irqs: Type.Array(Type.Number()),
  probes: names('probed functions'),
  openFiles: Type.Array(Type.Object({ pid: Type.Number(), fd: Type.Number(), path: Type.String() }), {
    description: 'open files whose operations are its own',
  }),
});
export type ModuleView = Static<typeof ModuleView>;

/** Something that a module which is gone has left in the kernel. */
export const LeftoverView = Type.Object({
  kind: Type.Enum([
    'allocation',
    'chrdev',
    'class',
    'device',
    'proc',
    'sysfs',
    'timer',
    'thread',
    'workqueue',
    'irq',
  ]),
  name: Type.String(),
  module: orNull(Type.String({ description: 'null: not known any more' })),
});
export type LeftoverView = Static<typeof LeftoverView>;

/** A device of the device model; `path` below /sys/devices makes the tree. */
export const DeviceView = Type.Object({
  name: Type.String(),
  path: Type.String({ description: 'below /sys/devices' }),
  class: orNull(Type.String()),
  block: Type.Boolean(),
  major: orNull(Type.Number()),
  minor: orNull(Type.Number()),
  node: orNull(Type.String({ description: 'below /dev' })),
  mode: Type.Number({ description: 'permissions of the node' }),
  module: orNull(Type.String()),
});
export type DeviceView = Static<typeof DeviceView>;

/** The device tree: /proc/devices, /sys/class and /sys/devices. */
export const DevicesView = Type.Object({
  chrdevs: Type.Array(ChrdevView),
  classes: Type.Array(Type.Object({ name: Type.String(), module: orNull(Type.String()), devices: names() })),
  devices: Type.Array(DeviceView),
  leftovers: Type.Array(LeftoverView, { description: 'of modules that are gone' }),
});
export type DevicesView = Static<typeof DevicesView>;

const ThreadView = Type.Object({
  tid: Type.Number(),
  comm: Type.String(),
  state: Type.String(),
  waitsFor: orNull(Type.String()),
  stack: names('its call trace inside the kernel, innermost first; empty in user mode'),
});

const processHead = {
  pid: Type.Number(),
  parentPid: Type.Number(),
  comm: Type.String(),
  command: Type.String({ description: 'its arguments, separated by blanks; empty for a kernel thread' }),
  state: Type.Enum(['running', 'sleeping', 'stopped', 'traced', 'zombie', 'dead']),
  kernelThread: Type.Boolean(),
  uid: Type.Number(),
  gid: Type.Number(),
  sid: Type.Number(),
  pgid: Type.Number(),
  tty: orNull(Type.String()),
  residentPages: Type.Number(),
  virtualPages: Type.Number(),
  userNs: Type.Number(),
  systemNs: Type.Number(),
  startNs: ns('when it started'),
};

/** A process in a line: ps. */
export const ProcessSummary = Type.Object({ ...processHead, threadCount: Type.Number() });
export type ProcessSummary = Static<typeof ProcessSummary>;

/** A process with its threads, their kernel stacks, its files and memory. */
export const ProcessView = Type.Object({
  ...processHead,
  threads: Type.Array(ThreadView),
  cwd: Type.String(),
  openFiles: Type.Array(Type.Object({ fd: Type.Number(), path: Type.String(), kind: Type.String() })),
  maps: Type.Array(
    Type.Object({
      start: address(),
      end: address(),
      access: Type.String({ description: 'as in /proc/PID/maps: r-xp' }),
      path: orNull(Type.String()),
    }),
  ),
});
export type ProcessView = Static<typeof ProcessView>;

/** One record of the kernel log. */
export const LogView = Type.Object({
  sequence: Type.Number(),
  timeNs: ns('time stamp'),
  level: Type.Number({ description: '0 (emergency) to 7 (debug)' }),
  facility: Type.Number(),
  text: Type.String(),
});
export type LogView = Static<typeof LogView>;

/** Memory: the VM's pages, the kernel heap, what leaked and what was misused. */
export const MemoryView = Type.Object({
  quotaPages: Type.Number(),
  usedPages: Type.Number(),
  privatePages: Type.Number({ description: 'pages that no other VM shares' }),
  caches: Type.Array(
    Type.Object({
      name: Type.String(),
      objectSize: Type.Number(),
      active: Type.Number(),
      total: Type.Number(),
      module: orNull(Type.String()),
    }),
  ),
  allocations: Type.Array(AllocationView),
  leaked: Type.Array(AllocationView, { description: 'made by modules that are gone' }),
  errors: Type.Array(HeapErrorView),
});
export type MemoryView = Static<typeof MemoryView>;

/** One line of /proc/kallsyms. */
export const SymbolView = Type.Object({
  address: address(),
  type: Type.String(),
  name: Type.String(),
  module: orNull(Type.String()),
});
export type SymbolView = Static<typeof SymbolView>;

const CodePlaceView = Type.Object({
  address: address(),
  symbol: Type.String({ description: 'name+offset/size' }),
  module: orNull(Type.String()),
});

/** A trouble report of the log, taken apart. */
export const OopsView = Type.Object({
  kind: Type.Enum([
    'oops',
    'bug',
    'warning',
    'panic',
    'soft lockup',
    'hung task',
    'scheduling while atomic',
    'stack overflow',
    'kasan',
  ]),
  number: Type.Number({ description: 'of Oops [#n]; 0 for reports that have none' }),
  timeNs: ns('when'),
  message: Type.String({ description: 'the line that says what is wrong' }),
  pid: Type.Number(),
  comm: Type.String(),
  uid: Type.Number(),
  taint: Type.Number(),
  modules: names('as in "Modules linked in:"'),
  epc: orNull(CodePlaceView),
  ra: orNull(CodePlaceView),
  registers: Type.Record(Type.String(), Type.String(), { description: 'in hexadecimal' }),
  status: orNull(Type.String()),
  badaddr: orNull(Type.String()),
  cause: orNull(Type.Number()),
  trace: Type.Array(CodePlaceView),
  code: orNull(Type.String({ description: 'instruction words; the faulting one is in parentheses' })),
});
export type OopsView = Static<typeof OopsView>;

/** A mounted filesystem. */
export const MountView = Type.Object({
  source: Type.String(),
  target: Type.String(),
  type: Type.String(),
  options: Type.String(),
});
export type MountView = Static<typeof MountView>;

/** What the kernel is and how it is. */
export const IdentityView = Type.Object({
  release: Type.String(),
  version: Type.String(),
  hostname: Type.String(),
  cmdline: Type.String(),
  uptimeNs: Type.Number(),
  instructions: Type.Number({ description: 'retired since boot' }),
  taint: Type.Number({ description: 'bits of /proc/sys/kernel/tainted' }),
  taints: Type.String({ description: 'letters, as reports print them: "G           OE"' }),
  halted: orNull(
    Type.Object({
      reason: Type.Enum(['panic', 'poweroff', 'restart', 'halt', 'simulator bug']),
      text: Type.String(),
    }),
  ),
  unsupported: Type.Array(Type.Object({ what: Type.String(), count: Type.Number() }), {
    description: 'what the guest asked for and this kernel does not have',
  }),
});
export type IdentityView = Static<typeof IdentityView>;

/** The parts of a kernel that can be asked for one by one; each is a resource of the API. */
export const inspectParts = {
  identity: IdentityView,
  modules: Type.Array(ModuleSummary),
  devices: DevicesView,
  processes: Type.Array(ProcessSummary),
  log: Type.Array(LogView),
  memory: MemoryView,
  symbols: Type.Array(SymbolView),
  oopses: Type.Array(OopsView),
  mounts: Type.Array(MountView),
};
export type InspectPart = keyof typeof inspectParts;
export type InspectParts = { [P in InspectPart]: Static<(typeof inspectParts)[P]> };

/** The whole kernel, but for its symbols. */
export const KernelView = Type.Object({
  ...IdentityView.properties,
  modules: Type.Array(ModuleView),
  devices: DevicesView,
  processes: Type.Array(ProcessView),
  log: Type.Array(LogView),
  memory: MemoryView,
  oopses: Type.Array(OopsView),
  mounts: Type.Array(MountView),
  timers: Type.Array(Type.Object({ atNs: Type.Number(), kind: Type.String() })),
});
export type KernelView = Static<typeof KernelView>;

/** What changes when a command harms a kernel; cheap enough to take before and after each one. */
export const KernelSummary = Type.Object({
  taint: Type.Number(),
  halted: orNull(Type.String({ description: 'the reason' })),
  modules: names(),
  chrdevs: Type.Array(Type.Object({ major: Type.Number(), name: Type.String() })),
  /** Reports by kind would miss a second one: these are counts. */
  oopses: Type.Number({ description: 'oopses and BUGs so far' }),
  warnings: Type.Number(),
  nextLogSequence: Type.Number(),
});
export type KernelSummary = Static<typeof KernelSummary>;
