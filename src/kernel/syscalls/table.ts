/**
 * The system call table as data. An entry is declared once, beside its handler: number (asm-generic/unistd.h), name,
 * argument kinds, support level and a note; the dispatcher, `npm run syscalls`, and tracing derive from it.
 *
 * A handler decodes nothing: it gets numbers already narrowed by their kind, calls a subsystem, and answers an Outcome.
 */
import type { Kernel } from '../kernel.ts';
import type { Outcome } from '../outcome.ts';
import type { Task } from '../task/types.ts';

/** How an argument register becomes a number. */
export const Arg = {
  /** C int: low 32 bits, signed. */
  int: (a: number): number => a | 0,
  /** C unsigned int. */
  uint: (a: number): number => a >>> 0,
  /** A file descriptor. */
  fd: (a: number): number => a | 0,
  /** A user address: as it is (kernel-half ones are negative). */
  ptr: (a: number): number => a,
  /** size_t: negative numbers are huge. */
  size: (a: number): number => (a < 0 ? a + 2 ** 64 : a),
  /** off_t, long: signed. */
  long: (a: number): number => a,
  /** unsigned long flags, of which only the low 32 bits are defined. */
  flags: (a: number): number => a >>> 0,
} as const;
export type ArgKind = keyof typeof Arg;

/** `full`: as Linux; `partial`: see the note; `accepted`: a harmless no-op that succeeds. */
export type Support = 'full' | 'partial' | 'accepted';

export interface SyscallEntry {
  readonly nr: number;
  readonly name: string;
  readonly args: readonly ArgKind[];
  readonly support: Support;
  readonly note: string;
  readonly handler: (k: Kernel, task: Task, ...args: number[]) => Outcome;
}

const table: (SyscallEntry | undefined)[] = [];

/** Declares a system call. Throws when the number is taken (a programming error). */
export function syscall(
  nr: number,
  name: string,
  args: readonly ArgKind[],
  handler: SyscallEntry['handler'],
  support: Support = 'full',
  note = '',
): void {
  if (table[nr]) throw new Error(`system call ${nr} is declared twice: ${table[nr].name}, ${name}`);
  table[nr] = { nr, name, args, support, note, handler };
}

export const findSyscall = (nr: number): SyscallEntry | undefined => table[nr];
export const allSyscalls = (): SyscallEntry[] => table.filter((entry) => entry !== undefined);
