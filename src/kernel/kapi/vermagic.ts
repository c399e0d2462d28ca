/** What ties a module to a kernel: the version magic (linux/vermagic.h) and the checksums of exported symbols. */
import type { KernelSymbol } from './declarations/declare.ts';

/** Whether kernels of this release compare symbol versions (CONFIG_MODVERSIONS), and so not the release in the magic. */
export const hasModversions = (release: string): boolean => !release.startsWith('4.');

/** VERMAGIC_STRING of a release. */
export const vermagic = (release: string): string =>
  hasModversions(release)
    ? `${release} SMP mod_unload modversions riscv`
    : `${release} SMP mod_unload riscv64`;

const table = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let i = 0; i < 8; i++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
  return c;
});

/** CRC-32 of a text, as genksyms makes one of a symbol's expanded declaration. */
export function crcOfText(text: string): number {
  let crc = 0xffffffff;
  for (let i = 0; i < text.length; i++) crc = table[(crc ^ text.charCodeAt(i)) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

/** The checksum of an exported kernel symbol: of its name, prototype and the kernel's release. */
export const symbolCrc = (symbol: Pick<KernelSymbol, 'name' | 'prototype'>, release: string): number =>
  crcOfText(`${release} ${symbol.name}: ${symbol.prototype}`);
