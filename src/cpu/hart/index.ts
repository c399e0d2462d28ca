/** The door of the WebAssembly module: what the face (src/cpu/face) may call. */
import { tlbFlushPage } from './tlb';

export { poolGrow } from './code';
export { frameAlloc, frameRefs, frameRelease, frameShare } from './frames';
export {
  guestAdopt,
  guestAlloc,
  guestClone,
  guestDestroy,
  guestEntry,
  guestFork,
  guestFree,
  guestOwned,
  guestTables,
  readPage,
  writePage,
} from './guest';
export { translate } from './mmu';
export { contextLoaded, contextSaved, contextSaving, run } from './run';
export { tlbFlush } from './tlb';

/** Forgets the translations of one page. */
export function flushPage(va: f64): void {
  tlbFlushPage(<i64>va);
}
