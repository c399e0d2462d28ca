/** Panic, for the rooms below the one that makes reports (see panic/panic.ts). */
export { panic } from '../panic/panic.ts';
