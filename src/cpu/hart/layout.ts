/**
 * Where things lie in the low part of the worker's memory. Read both as TypeScript (by the face) and as AssemblyScript
 * (by the hart), hence no type annotations.
 *
 * Always true: host frames (guest pages, tables, decoded code) lie at FRAMES_BASE and above; nothing of a guest's
 * lies below.
 */

/** The loaded context, laid out as a saved one (CONTEXT in machine.ts): x0..x31, pc, f0..f31, fcsr, flags, words. */
export const X = 0x1000;
/** pc while no instruction runs; while one runs, the place where writes to x0 go. */
export const PC = 0x1100;
export const FREGS = 0x1108;
/** fcsr as in the context: frm in bits 7..5; the flags part lives in the fpu while running. */
export const FCSR = 0x1208;
/** Bit 0: supervisor; bit 1: SUM. */
export const FLAGS = 0x120c;
export const SSCRATCH = 0x1210;
/** LR/SC: the reserved address (all ones: none) and the value that was read. */
export const RES_ADDR = 0x1218;
export const RES_VALUE = 0x1220;
/** Instructions retired in the life of the context. */
export const INSTRET = 0x1228;

/** What `run` tells the face: instructions left of the limit, tval. */
export const LEFT = 0x1300;
export const TVAL = 0x1308;
/** The trap being raised, or NO_TRAP. */
export const CAUSE = 0x1310;
/** Nonzero: decoded code or the frame that runs may have changed; find the pc's slot anew. */
export const STOP = 0x134c;
/** Root page table (guest page number) and guest page table (host address) of the selected address space. */
export const ROOT = 0x1314;
export const GUEST = 0x1318;
/** Nonzero: the worker's memory cannot grow any more. */
export const EXHAUSTED = 0x131c;
/** Frames: head of the free list, number free, next never-used frame. */
export const FREE_HEAD = 0x1320;
export const FREE_COUNT = 0x1324;
export const NEXT_FRAME = 0x1328;
/** Decode pool: pages made, most pages allowed, clock hand, head of the free list, pages in use. */
export const POOL_SIZE = 0x1330;
export const POOL_MAX = 0x1334;
export const POOL_HAND = 0x1338;
export const POOL_FREE = 0x133c;
export const POOL_USED = 0x1340;
/** The bits of the instruction in the scratch page (one that straddles two pages). */
export const SCRATCH_BITS = 0x1344;

/** A TLB miss of the fast interpreter: 0, or 1 + the kind of access; and the tag that it looked for. */
export const MISS = 0x1350;
export const MISS_TAG = 0x1358;

/**
 * Decoded instructions that straddle two pages: 64 entries of 32 bytes, each a slot, a sentinel at 16, then at 24 the
 * slot that stands for it in its page and at 28 the decode page of its second half. All are dropped when any decode
 * page changes.
 */
export const SCRATCH = 0x1800;
export const SCRATCH_SIZE = 0x800;
/**
 * Page tables of the last level that walks went through: 64 entries of 16 bytes: twice the address's 2 MiB region (so
 * that all ones is none), guest page, host page.
 */
export const WALKS = 0x2000;
export const WALKS_SIZE = 0x400;

/** TLBs: 1,024 entries of 16 bytes each: tag (u64), then what to add to the address, or where the decoded page is. */
export const TLB_READ = 0x4000;
export const TLB_WRITE = 0x8000;
export const TLB_EXEC = 0xc000;
export const TLB_SIZE = 0x4000;

/** The first plain op of each op: u16 each (a fused op's first half; otherwise the op itself). */
export const PLAIN = 0x10000;
/** Addresses of the pool's decode pages: u32 each. */
export const POOL = 0x14000;
export const POOL_LIMIT = 8192;
/** Where each plain op keeps its registers: u8 each, see shapeOf in src/cpu/generate/ops.ts. */
export const SHAPE = 0x1c000;

/** Where the module keeps its own few statics. */
export const STATICS = 0x20000;

/** u32 for each host frame: reference count, or FREE | next free frame. */
export const REFS = 0x100000;
export const REF_FREE = 1 << 31;
/** u32 for each host frame: its decode page, or 0. */
export const DECODED = 0x500000;
export const FRAMES_BASE = 0x900000;

/** A decode page: 2,048 slots of 8 bytes, a sentinel slot, then what it is of. */
export const SLOTS_BYTES = 16384;
export const DP_FRAME = 16392;
/** Nonzero when a slot was decoded since the page was last cleared. */
export const DP_DIRTY = 16396;
export const DP_NEXT = 16400;
export const DP_STRIDE = 16448;
/** Pool growth: 64 decode pages are exactly 257 frames. */
export const POOL_CHUNK_PAGES = 64;
export const POOL_CHUNK_FRAMES = 257;

/** Results of `run` beyond the architectural causes: see Trap in machine.ts. */
export const NO_TRAP = -1;
export const BUDGET_SPENT = 64;
/** A slice is over, the budget is not. */
export const MORE = 65;
/** A frame is wanted: grow the memory, or say that it is exhausted, and go on. */
export const NEED_FRAME = 66;
/** Decode pages are wanted, likewise. */
export const NEED_POOL = 67;

/** Guest page table entries: host address | flags. */
export const GP_PRESENT = 1;
export const GP_OWN = 2;

/** More instructions than can run between two looks at the budget (a page of compressed ones, and a straddler). */
export const STRETCH = 2064;
export const SLICE = 400000;
