/**
 * First values of the kernel's variables that modules read directly (lib/ctype.c, kernel/printk, init/main.c). Always true: they are
 * written when the kernel's data gets its memory.
 */

import { writeK, writeK32, writeKString } from '../module/kmem.ts';
import { fillKernelData } from '../module/memory.ts';
import { kernelSymbol } from './image.ts';

/** Bits of linux/ctype.h: upper, lower, digit, control, punctuation, white space, hexadecimal, hard space. */
const [U, L, D, C, P, S, X, SP] = [1, 2, 4, 8, 0x10, 0x20, 0x40, 0x80];

/** Runs of equal characters of Latin-1: the last of each, and what it is. */
const RUNS: readonly (readonly [last: number, bits: number])[] = [
  [8, C],
  [13, C | S],
  [31, C],
  [32, S | SP],
  [47, P],
  [57, D],
  [64, P],
  [70, U | X],
  [90, U],
  [96, P],
  [102, L | X],
  [122, L],
  [126, P],
  [127, C],
  [159, 0],
  [160, S | SP],
  [191, P],
  [214, U],
  [215, P],
  [222, U],
  [246, L],
  [247, P],
  [255, L],
];
const CTYPE = Uint8Array.from({ length: 256 }, (_, c) => RUNS.find(([last]) => c <= last)![1]);

const SYSTEM_RUNNING = 3;

fillKernelData((k) => {
  writeK(k, kernelSymbol(k, '_ctype'), CTYPE);
  writeKString(k, kernelSymbol(k, 'hex_asc'), '0123456789abcdef');
  writeK32(k, kernelSymbol(k, 'system_state'), SYSTEM_RUNNING);
  writeK32(k, kernelSymbol(k, 'panic_timeout'), Number(k.sysctl['kernel.panic'] ?? '0'));
  k.printk.levels.forEach((level, i) => {
    writeK32(k, kernelSymbol(k, 'console_printk') + 4 * i, level);
  });
});
