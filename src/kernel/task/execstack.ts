/**
 * The first stack of a program (create_elf_tables): strings at the top, then auxv, envp, argv and argc at the stack pointer, which is
 * aligned to 16 bytes. Always true: built in a fresh address space, so nothing here can disturb the running program.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import { PAGE_SIZE } from '../../cpu/machine.ts';
import { At, HWCAP, PHDR_SIZE } from '../abi/elf.ts';
import { Errno } from '../abi/errno.ts';
import { randomBytes } from '../drivers/random.ts';
import type { Kernel } from '../kernel.ts';
import { VDSO_BASE } from '../mm/layout.ts';
import { writeMm } from '../mm/remote.ts';
import type { Mm } from '../mm/types.ts';
import type { LoadedElf } from './elf.ts';
import type { Cred } from './types.ts';

/** What a program is started with. All strings are byte strings. */
export interface StackInit {
  filename: string;
  argv: readonly string[];
  env: readonly string[];
  program: LoadedElf;
  /** Load address of the interpreter; 0 without one. */
  interpreterBase: Vaddr;
  cred: Cred;
  secure: boolean;
}

/** USER_HZ. */
const CLOCK_TICKS = 100;

function putString(bytes: Uint8Array, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
  return at + text.length + 1;
}

/** Writes the stack below `mm.stackTop` and notes its parts in `mm`. Answers the stack pointer, or -ENOMEM. */
export function buildStack(k: Kernel, mm: Mm, init: StackInit): Vaddr | number {
  const { filename, argv, env, program } = init;
  let size = 8 + filename.length + 1;
  for (const text of argv) size += text.length + 1;
  for (const text of env) size += text.length + 1;
  const strings = new Uint8Array(size);
  const base = mm.stackTop - size;
  const argPointers: number[] = [];
  const envPointers: number[] = [];
  let at = 0;
  for (const text of argv) {
    argPointers.push(base + at);
    at = putString(strings, at, text);
  }
  mm.argStart = base;
  mm.argEnd = base + at;
  for (const text of env) {
    envPointers.push(base + at);
    at = putString(strings, at, text);
  }
  mm.envStart = mm.argEnd;
  mm.envEnd = base + at;
  const execfn = base + at;
  putString(strings, at, filename);

  const randomAt = Math.floor((base - 16) / 16) * 16;
  const aux = auxv(init, execfn, randomAt);
  const words = 1 + argv.length + 1 + env.length + 1;
  const sp = Math.floor((randomAt - aux.length - words * 8) / 16) * 16;
  const block = new Uint8Array(words * 8 + aux.length);
  const view = new DataView(block.buffer);
  let w = 0;
  const push = (value: number): void => {
    view.setUint32(w, value % 2 ** 32, true);
    view.setUint32(w + 4, Math.floor(value / 2 ** 32), true);
    w += 8;
  };
  push(argv.length);
  for (const pointer of argPointers) push(pointer);
  push(0);
  for (const pointer of envPointers) push(pointer);
  push(0);
  block.set(aux, w);
  mm.auxv = aux;
  mm.startStack = sp;
  mm.startCode = program.startCode;
  mm.endCode = program.endCode;
  mm.startData = program.startData;
  mm.endData = program.endData;
  const complete =
    writeMm(k, mm, base, strings) === strings.length &&
    writeMm(k, mm, randomAt, randomBytes(k, 16)) === 16 &&
    writeMm(k, mm, sp, block) === block.length;
  return complete ? sp : -Errno.ENOMEM;
}

function auxv(init: StackInit, execfn: Vaddr, randomAt: Vaddr): Uint8Array {
  const { program, cred } = init;
  const entries: [number, number][] = [
    [At.SYSINFO_EHDR, VDSO_BASE],
    [At.HWCAP, HWCAP],
    [At.PAGESZ, PAGE_SIZE],
    [At.CLKTCK, CLOCK_TICKS],
    [At.PHDR, program.phdr],
    [At.PHENT, PHDR_SIZE],
    [At.PHNUM, program.phnum],
    [At.BASE, init.interpreterBase],
    [At.FLAGS, 0],
    [At.ENTRY, program.entry],
    [At.UID, cred.uid],
    [At.EUID, cred.euid],
    [At.GID, cred.gid],
    [At.EGID, cred.egid],
    [At.SECURE, init.secure ? 1 : 0],
    [At.RANDOM, randomAt],
    [At.EXECFN, execfn],
    [At.NULL, 0],
  ];
  const view = new DataView(new ArrayBuffer(entries.length * 16));
  entries.forEach(([tag, value], i) => {
    view.setBigUint64(i * 16, BigInt(tag), true);
    view.setBigUint64(i * 16 + 8, BigInt(value), true);
  });
  return new Uint8Array(view.buffer);
}
