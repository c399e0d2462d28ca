/**
 * A seed's batch of cases, and a compact hash of what a case left behind.
 *
 * Always true: a batch depends on its seed, its size and the instruction declarations, on nothing else.
 */

import { Generator } from './fuzz-generator.ts';
import { type Case, type Image, RESULT } from './fuzz-image.ts';
import { floatGroup, floatValue, integerValue, Random } from './fuzz-random.ts';

/** Instructions of a program, about. */
const LENGTH = 16;

/** The cases of a seed. */
export function makeCases(seed: number, count: number): Case[] {
  const random = new Random(seed);
  const generator = new Generator(random);
  return Array.from({ length: count }, () => {
    const x: bigint[] = [0n];
    // The generator's float programs count on this: two groups of doubles, then two of singles.
    const f = (['double', 'double', 'single', 'single'] as const).flatMap((p) => floatGroup(random, p));
    while (x.length < 32) x.push(integerValue(random, random.pick(x)));
    while (f.length < 32) f.push(floatValue(random, random.pick(f)));
    const flags = random.oneIn(2) ? 0 : random.below(32);
    const straddles = random.oneIn(8);
    return {
      program: generator.program(1 + random.below(2 * LENGTH - 1)),
      x,
      f,
      fcsr: (random.below(5) << 5) | flags,
      pageBoundaryAt: straddles ? 2 + 4 * random.below(8) : undefined,
    };
  });
}

/** 64 bits of hash over bytes whose count divides by four (two MurmurHash3 lanes). */
export function hash64(bytes: Uint8Array): bigint {
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let a = 0x12345678;
  let b = 0x9abcdef0;
  for (let i = 0; i < bytes.length; i += 4) {
    const k = words.getUint32(i, true);
    a = step(a, k, 0xcc9e2d51, 0x1b873593);
    b = step(b, k, 0x85ebca6b, 0xc2b2ae35) ^ (a >>> 7);
  }
  return (BigInt(finish(a)) << 32n) | BigInt(finish(b));
}

function step(hash: number, word: number, c1: number, c2: number): number {
  let k = Math.imul(word, c1);
  k = Math.imul((k << 15) | (k >>> 17), c2);
  const mixed = hash ^ k;
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}

function finish(hash: number): number {
  let h = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** One 8-byte hash for each case's result. */
export function resultHashes(results: Uint8Array): Uint8Array {
  const count = results.length / RESULT.size;
  const hashes = new DataView(new ArrayBuffer(8 * count));
  for (let i = 0; i < count; i++) {
    hashes.setBigUint64(8 * i, hash64(results.subarray(i * RESULT.size, (i + 1) * RESULT.size)), true);
  }
  return new Uint8Array(hashes.buffer);
}

/** Tells two images apart: answers recorded for one say nothing about the other. */
export function imageHash(image: Image): string {
  const hashes = image.segments.map((segment) => {
    const padded = new Uint8Array((segment.bytes.length + 3) & ~3);
    padded.set(segment.bytes);
    return hash64(padded);
  });
  const all = new BigUint64Array(hashes);
  return hash64(new Uint8Array(all.buffer)).toString(16).padStart(16, '0');
}
