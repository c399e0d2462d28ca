/**
 * What modules' threads, timers, work and waits keep on the kernel's side of guest memory. Always true: plain data; an address
 * is that of the C object (struct timer_list, struct mutex, …), which the module may free behind our back: nothing here is
 * believed before the object has been read again.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import type { WaitQueue } from '../outcome.ts';
import type { Cred } from '../task/types.ts';

/** The struct task_struct of a task, one page that also holds what hangs on it (mirror.ts). */
export interface Mirror {
  address: Vaddr;
  /** What hangs on it (struct pid, cred, signal_struct, mm_struct) lies here. */
  page: Vaddr;
  tid: number;
  /** Whose credentials the page shows. */
  cred: Cred | null;
}

/** A thread that a module made (kthread.ts). */
export interface Kthread {
  tid: number;
  task: Vaddr;
  data: number;
  /** What it runs. */
  fn: Vaddr;
  /** Whose code made it. */
  module: string | null;
  shouldStop: boolean;
  shouldPark: boolean;
  parked: boolean;
  /** What its function returned; null while it runs. */
  result: number | null;
  /** Woken when it parks or ends. */
  changed: WaitQueue;
}

/** A workqueue: items that wait, and who works on it now. */
export interface Workqueue {
  address: Vaddr;
  name: string;
  maxActive: number;
  /** Addresses of struct work_struct, the first to run next. */
  pending: Vaddr[];
  /** Items that run now. */
  active: Vaddr[];
  /** Woken when an item ends. */
  done: WaitQueue;
  /** The kernel's own (system_wq and its like). */
  system: boolean;
  /** Whose code made it. */
  module: string | null;
}

/** A worker thread of the pool. */
export interface Worker {
  tid: number;
  /** Workqueue and item it works on; 0: it waits for some. */
  queue: Vaddr;
  item: Vaddr;
}

/** What a module wants done when an interrupt line is raised. */
export interface IrqAction {
  handler: Vaddr;
  /** Function of its thread; 0: none. */
  thread: Vaddr;
  dev: Vaddr;
  name: string;
  shared: boolean;
  flags: number;
  count: number;
  /** Threads of it that run now. */
  running: number;
}

export interface TaskingRoom {
  mirrors: Map<number, Mirror>;
  /** tid by address of struct task_struct, the dead included. */
  byAddress: Map<Vaddr, number>;
  /** Mirrors of tasks that are gone, the oldest first; their pages are kept a while for pointers that are still held. */
  dead: Mirror[];
  /** When and in which state of the task table all mirrors were last brought up to date. */
  syncedNs: number;
  syncedForks: number;
  /** Tasks that wait for the object at an address: a lock, a completion, or a wait queue head that is polled. */
  waiters: Map<Vaddr, WaitQueue>;
  kthreads: Map<Vaddr, Kthread>;
  /** Armed timers by address: id in the heap. */
  timers: Map<Vaddr, { id: number; kind: 'timer' | 'hrtimer' }>;
  /** The timer whose function runs now; 0: none. */
  runningTimer: Vaddr;
  workqueues: Map<Vaddr, Workqueue>;
  workers: Worker[];
  /** Where idle workers wait. */
  workerWait: WaitQueue;
  /** RCU callbacks that have not run. */
  rcuPending: number;
  rcuDone: WaitQueue;
  /** Small objects of ours that modules hold pointers to: pages and how much of the last is used. */
  arena: { page: Vaddr; used: number };
  /** Objects of the kernel that are not exported by name, such as init_nsproxy. */
  objects: Map<string, Vaddr>;
  /** Interrupt lines that modules asked for, by number. */
  irqs: Map<number, IrqAction[]>;
  /** How often each line was disabled. */
  irqDisabled: Map<number, number>;
  /** Functions whose probes have run and which are entered now, by tid. */
  probed: Map<number, Vaddr>;
  /** Probes by the address they sit at: struct kprobe. */
  kprobes: Map<Vaddr, Vaddr[]>;
  /** Those of the probes that are the first member of a struct kretprobe. */
  kretprobes: Set<Vaddr>;
  /** Calls of probed functions that are under way, by tid, the innermost last: struct kretprobe_instance and where they go. */
  returns: Map<number, { instance: Vaddr; probe: Vaddr; to: Vaddr }[]>;
  /** sys_call_table in guest memory, once a module has asked for it: system calls then go through it. 0: nobody has. */
  syscallTable: Vaddr;
  /** Tasks of old kernels that said set_fs(KERNEL_DS). */
  kernelDs: Set<number>;
  /** Lists of struct vm_area_struct that modules walk, by tid: pages, and what they show. */
  vmaLists: Map<number, { pages: number; shows: string }>;
  /** What the variable `jiffies` in guest memory says. */
  jiffies: number;
  /** Workers named so far. */
  workerNumber: number;
}

const queue = (): WaitQueue => ({ tids: [] });

export function createTaskingRoom(): TaskingRoom {
  return {
    mirrors: new Map(),
    byAddress: new Map(),
    dead: [],
    syncedNs: -1,
    syncedForks: -1,
    waiters: new Map(),
    kthreads: new Map(),
    timers: new Map(),
    runningTimer: 0,
    workqueues: new Map(),
    workers: [],
    workerWait: queue(),
    rcuPending: 0,
    rcuDone: queue(),
    arena: { page: 0, used: 0 },
    objects: new Map(),
    irqs: new Map(),
    irqDisabled: new Map(),
    probed: new Map(),
    kprobes: new Map(),
    kretprobes: new Set(),
    returns: new Map(),
    syscallTable: 0,
    kernelDs: new Set(),
    vmaLists: new Map(),
    jiffies: 0,
    workerNumber: 0,
  };
}
