/** The module room as data: loaded modules, kernel stacks, interrupt work. */
import type { Vaddr } from '../../cpu/machine.ts';
import type { KapiState } from '../kapi/registry.ts';
import type { Activation, WaitQueue } from '../outcome.ts';
import type { Task } from '../task/types.ts';

/** A task's stay in kernel code on the hart. */
export interface KernelMode {
  /** Calls of module code that have not returned; 0: the task's registers are user registers. */
  depth: number;
  /** The registers the task entered the outermost call with. */
  userContext: Uint8Array;
  /** When it last came into kernel code or gave the processor away there: the soft lockup watchdog's clock. */
  sinceNs: number;
  /** How many soft lockups of this stay were reported. */
  lockups: number;
  /** The exported call whose handler runs or waits. */
  call: KapiState | null;
  wideResult: bigint | null;
}

/** Work for interrupt context: a call of module code and what follows it. */
export interface InterruptWork {
  entry: Vaddr;
  args: number[];
  then: Activation | null;
}

export interface SectionInfo {
  name: string;
  address: Vaddr;
  size: number;
  flags: number;
}

export interface ModuleSymbol {
  name: string;
  address: Vaddr;
  size: number;
  /** The letter of /proc/kallsyms. */
  type: string;
  /** Lies in init memory, which is gone once the module is live. */
  init: boolean;
}

export interface ExportedSymbol {
  name: string;
  address: Vaddr;
  gpl: boolean;
  namespace: string;
  crc: number | null;
}

/** A stretch of module memory, pages mapped. */
export interface Region {
  base: Vaddr;
  pages: number;
}

/** One parameter, as `struct kernel_param` in the module's `__param` section says. */
export interface ModuleParam {
  name: string;
  /** Address of its struct kernel_param. */
  address: Vaddr;
  mode: number;
}

export type ModuleState = 'unformed' | 'coming' | 'live' | 'going';

export interface LoadedModule {
  name: string;
  state: ModuleState;
  /** References beyond the module's own one; -1 after an oops in exit. */
  refcnt: number;
  /** Names of the modules whose symbols it uses. */
  uses: string[];
  /** Address of its struct module. */
  address: Vaddr;
  initFn: Vaddr;
  exitFn: Vaddr;
  core: Region[];
  init: Region[];
  /** Bytes in text, rodata and data of the core, and of init memory while it is there. */
  coreSize: number;
  initSize: number;
  /** Where core text begins. */
  textBase: Vaddr;
  sections: SectionInfo[];
  symbols: ModuleSymbol[];
  exports: ExportedSymbol[];
  params: ModuleParam[];
  /** Taint bits it brought in. */
  taints: number;
  modinfo: [string, string][];
  license: string;
  namespaces: string[];
  notes: { name: string; bytes: Uint8Array }[];
  /** Woken when its state changes. */
  wait: WaitQueue;
  /** Memory that parameters of type charp own. */
  paramMemory: Vaddr[];
  loadedNs: number;
  /** Who loads or unloads it now. */
  tid: number;
}

/** A load of a file that has not ended (struct idempotent). */
export interface PendingLoad {
  /** Device and inode number of the file. */
  file: string;
  tid: number;
  result: number | null;
  done: WaitQueue;
}

export interface ModuleRoom {
  /** The newest first, as in /proc/modules. */
  modules: LoadedModule[];
  /** Kernel stacks by tid: the lowest mapped address. */
  stacks: Map<number, Vaddr>;
  nextStack: Vaddr;
  /** Kernel text and data are mapped (at the first need). */
  mapped: boolean;
  /** Free-list of module memory: allocated regions in ascending order. */
  regions: Region[];
  /** Interrupts are off while not 0 (local_irq_disable and the like). */
  irqsOff: number;
  irqQueue: InterruptWork[];
  /** The idle task, in whose place interrupts are handled; made at the first need. */
  swapper: Task | null;
  /** Set when taints that stay were told: out of tree, unsigned, lock debugging. */
  told: { unsigned: boolean; lockdep: boolean };
  oopses: number;
  /** Loads of files under way, and whether who looked them up died in there. */
  loads: PendingLoad[];
  loadsLocked: boolean;
  /** Woken when any module changes its state (module_wq). */
  wait: WaitQueue;
}
