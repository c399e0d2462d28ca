/**
 * The face of the cpu room: what the kernel and everything above it may know of the hart and its memory.
 *
 * One worker has one {@link Machine}: a WebAssembly instance with one (shared, growable) memory that is cut into
 * 4 KiB *host frames*. Every VM owns a {@link GuestMemory}: its own physical address space, a table from guest page
 * frame numbers (`Pfn`, dense from 0 and handed out in the same order in every run, so a VM is deterministic and can
 * be moved) to host frames. Host frames are reference-counted: a page of the base image, or a page shared by a forked
 * VM, is one host frame that many guests show, and is copied when one of them writes (invisible to the guest).
 * Page tables lie in guest pages and hold guest Pfns (RISC-V privileged ISA, Sv39).
 *
 * Always true: nothing here knows Linux; nothing here throws because of what a guest does.
 */

/** A guest physical page number: guest physical address >> 12. */
export type Pfn = number;
/** A 4 KiB page of the worker's WebAssembly memory: byte address >> 12. */
export type HostFrame = number;
/** A canonical Sv39 virtual address. Exact as a number; kernel half addresses are negative. */
export type Vaddr = number;

export const PAGE_SHIFT = 12;
export const PAGE_SIZE = 4096;

/** Sv39 page table entry bits (privileged ISA, "Sv39: Page-Based 39-bit Virtual-Memory System"). */
export const PTE = {
  V: 1,
  R: 2,
  W: 4,
  X: 8,
  U: 16,
  G: 32,
  A: 64,
  D: 128,
  /** The two bits reserved for software. */
  SOFT: 0x300,
} as const;

/** Kinds of access; values index the hart's three TLBs. */
export const Access = { Read: 0, Write: 1, Execute: 2 } as const;
export type Access = (typeof Access)[keyof typeof Access];

/**
 * Why {@link Hart.run} came back. The values of architectural exceptions are the `scause` codes of the privileged ISA;
 * two of ours follow.
 */
export const Trap = {
  FetchMisaligned: 0,
  FetchAccess: 1,
  IllegalInstruction: 2,
  Breakpoint: 3,
  LoadMisaligned: 4,
  LoadAccess: 5,
  StoreMisaligned: 6,
  StoreAccess: 7,
  EcallFromUser: 8,
  EcallFromSupervisor: 9,
  FetchPageFault: 12,
  LoadPageFault: 13,
  StorePageFault: 15,
  /** The instruction budget is spent. Not an exception: `pc` is the next instruction to run. */
  BudgetSpent: 64,
} as const;
export type Trap = (typeof Trap)[keyof typeof Trap];

/** Privilege modes (values of the ISA's `MPP` encoding). */
export const Mode = { User: 0, Supervisor: 1 } as const;
export type Mode = (typeof Mode)[keyof typeof Mode];

/**
 * Layout of a saved hart context: plain little-endian bytes. x0..x31, then pc, then f0..f31, then fcsr (u32), then
 * mode and flags (u32: bit 0 = supervisor, bit 1 = SUM), then sscratch/reservation words. `CONTEXT.size` bytes in all.
 */
export const CONTEXT = { x: 0, pc: 256, f: 264, fcsr: 520, flags: 524, size: 576 } as const;

/** Options of {@link Machine}. Sizes in 4 KiB pages. */
export interface MachineOptions {
  /** The most host frames the worker may use (default 1,048,576 = 4 GiB). */
  maxFrames?: number;
}

export interface Machine {
  readonly hart: Hart;
  /** View of the whole memory. Fetch it anew after anything that may allocate a frame: growth makes a longer view. */
  bytes(): Uint8Array;
  /** A new, empty guest physical memory of at most `maxPages` pages. */
  createGuest(maxPages: number): GuestMemory;
  /** Restores what {@link GuestMemory.save} answered. Throws a RangeError when the bytes are not a saved memory. */
  restoreGuest(saved: SavedGuestMemory, imageFrame: (key: string) => HostFrame): GuestMemory;
  /**
   * A host frame shared by every guest of the worker and never written: found under `key`, or allocated and filled by
   * `fill` on first use. Kept (a cache entry) until {@link dropShared}. `key` must name the content for ever.
   * Answers -1 when the worker is out of frames.
   */
  sharedFrame(key: string, fill: (page: Uint8Array) => void): HostFrame;
  /** Forgets cached shared frames that no guest shows any more; answers how many frames came free. */
  dropShared(): number;
  /** Frames in use and cached, for metrics. */
  stats(): {
    framesUsed: number;
    framesFree: number;
    framesMax: number;
    sharedFrames: number;
    decodedPages: number;
  };
}

/** A guest's physical memory as data: private pages by content, shared ones by the key of their shared frame. */
export interface SavedGuestMemory {
  maxPages: number;
  nextFresh: number;
  free: number[];
  /** Pfns with private content, in ascending order, and their bytes one after another. */
  privatePfns: number[];
  privateBytes: Uint8Array;
  /** Pfns that show a shared frame, and its key. */
  sharedPfns: number[];
  sharedKeys: string[];
}

/** One VM's physical memory. */
export interface GuestMemory {
  readonly maxPages: number;
  /** Pages allocated now (private and shared). */
  readonly usedPages: number;
  /** Pages whose host frame belongs to this guest alone. */
  privatePages(): number;
  /** A zero-filled page. -1 when the quota or the worker's memory is spent. */
  allocPage(): Pfn;
  /** A page that shows `frame` (of {@link Machine.sharedFrame}); the first write gives the guest its own copy. -1 as above. */
  adoptPage(frame: HostFrame): Pfn;
  /** Gives the page back. The caller has removed every mapping of it and flushed the TLB. */
  freePage(pfn: Pfn): void;
  /** A new page with the same content, by copy-on-write of the host frame. -1 as above. */
  clonePage(pfn: Pfn): Pfn;
  /**
   * The page's bytes. Valid until the next allocation of any kind. With `write` the host frame is made this guest's
   * own first, and decoded code of the page is dropped.
   */
  page(pfn: Pfn, write: boolean): Uint8Array;
  /** Physical loads and stores for page tables and small fields; `paddr` is a multiple of 4 in an allocated page. */
  load32(paddr: number): number;
  store32(paddr: number, value: number): void;
  /** A copy of this guest that shares every frame copy-on-write. */
  fork(): GuestMemory;
  /** The whole memory as data; see {@link Machine.restoreGuest}. Without content `privateBytes` is empty: {@link page} has it. */
  save(withContent?: boolean): SavedGuestMemory;
  /** Gives every frame back. The object is dead afterwards. */
  destroy(): void;
}

/** The one hart of a machine. It runs whichever context was loaded last, out of whichever guest was selected last. */
export interface Hart {
  /** Program counter of the loaded context. */
  pc: Vaddr;
  /** tval of the last trap: the faulting address, or the instruction's bits for an illegal instruction. */
  readonly tval: number;
  /** The same, exact: for addresses that are not canonical. */
  readonly tvalBig: bigint;
  /** Instructions retired by the last {@link run}, exact. */
  readonly retired: number;
  /** Register x[i] as a signed number: exact below 2^53 in magnitude. */
  x(i: number): number;
  /** Sets x[i] to an integer (any safe integer; negative ones sign-extend). */
  setX(i: number, value: number): void;
  xBig(i: number): bigint;
  setXBig(i: number, value: bigint): void;
  /**
   * Copies a context of {@link CONTEXT}.size bytes into the hart. Clears the LR/SC reservation unless `resume` says that
   * nothing else ran since the context was saved.
   */
  loadContext(context: Uint8Array, resume?: boolean): void;
  /** Copies the hart's registers out. */
  saveContext(context: Uint8Array): void;
  /**
   * Selects guest memory and the root page table (`satp` with Sv39 on). Flushes the TLBs when either changed.
   * Call it before every `run` that may follow another address space.
   */
  setAddressSpace(guest: GuestMemory, rootTable: Pfn): void;
  /** Forgets all translations; call it after any change to a page table in use other than adding a leaf. */
  flushTlb(): void;
  /** Forgets the translations of one page. */
  flushTlbPage(va: Vaddr): void;
  /**
   * Runs at most `budget` instructions from the loaded context; answers why it stopped. `retired`, `tval` and `pc`
   * tell the rest. At a trap `pc` is the trapping instruction (for ecall and ebreak too) and the instruction has not
   * retired. Never throws and allocates nothing. A and D bits are set by the hart.
   */
  run(budget: number): Trap;
  /**
   * Translates one virtual address of the selected address space as an access by user code would be: answers the byte
   * address in {@link Machine.bytes}, valid to the end of that 4 KiB page and until the next allocation, or -1 where a
   * page fault would be raised. A `Write` translation privatises a shared frame, sets D and drops decoded code.
   */
  translate(va: Vaddr, access: Access): number;
  /** The same without the U-bit rule of user mode (supervisor with SUM set). */
  translateSupervisor(va: Vaddr, access: Access): number;
  /** Assembly text of the instruction bits at `pc`, as `objdump -d -M no-aliases` would print it. */
  disassemble(bits: number, pc: Vaddr): string;
}
