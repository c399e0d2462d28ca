/**
 * The entropy generator of a VM: ChaCha20 (RFC 8439) in counter mode, keyed by an input of the VM. Always true: the same
 * seed and the same calls give the same bytes; after each request the key is replaced, so that what was handed out cannot be
 * computed from a later state (drivers/char/random.c, "fast key erasure").
 */
import type { Kernel } from '../kernel.ts';

export interface RandomState {
  /** 256-bit key. */
  key: Uint32Array;
  /** Blocks made with this generator so far; below 2^53. */
  counter: number;
}

const rotl = (x: number, n: number): number => (x << n) | (x >>> (32 - n));

const input = new Uint32Array(16);
const working = new Uint32Array(16);

function quarter(s: Uint32Array, a: number, b: number, c: number, d: number): void {
  s[a] += s[b];
  s[d] = rotl(s[d] ^ s[a], 16);
  s[c] += s[d];
  s[b] = rotl(s[b] ^ s[c], 12);
  s[a] += s[b];
  s[d] = rotl(s[d] ^ s[a], 8);
  s[c] += s[d];
  s[b] = rotl(s[b] ^ s[c], 7);
}

/** One ChaCha20 block into `working`. */
function block(state: RandomState): void {
  input[0] = 0x61707865;
  input[1] = 0x3320646e;
  input[2] = 0x79622d32;
  input[3] = 0x6b206574;
  input.set(state.key, 4);
  input[12] = state.counter >>> 0;
  input[13] = Math.floor(state.counter / 2 ** 32);
  input[14] = 0;
  input[15] = 0;
  state.counter++;
  working.set(input);
  for (let round = 0; round < 10; round++) {
    quarter(working, 0, 4, 8, 12);
    quarter(working, 1, 5, 9, 13);
    quarter(working, 2, 6, 10, 14);
    quarter(working, 3, 7, 11, 15);
    quarter(working, 0, 5, 10, 15);
    quarter(working, 1, 6, 11, 12);
    quarter(working, 2, 7, 8, 13);
    quarter(working, 3, 4, 9, 14);
  }
  for (let i = 0; i < 16; i++) working[i] += input[i];
}

/** Mixes bytes into the generator (writes to /dev/random, the host's entropy at a fork of the VM). */
export function mixRandom(state: RandomState, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at += 32) {
    for (let i = 0; i < 32 && at + i < bytes.length; i++) state.key[i >> 2] ^= bytes[at + i] << ((i & 3) * 8);
    block(state);
    state.key.set(working.subarray(0, 8));
  }
}

/** A generator keyed by `seed` (any length; an input of the VM). */
export function createRandom(seed: Uint8Array): RandomState {
  const state: RandomState = { key: new Uint32Array(8), counter: 0 };
  mixRandom(state, seed.length > 0 ? seed : new Uint8Array(1));
  return state;
}

/** `count` random bytes: getrandom(2), AT_RANDOM, /dev/urandom. */
export function randomBytes(k: Kernel, count: number): Uint8Array {
  const state = k.random;
  block(state);
  const nextKey = working.slice(0, 8);
  const out = new Uint8Array(count);
  // The first block's second half serves small requests without a further block.
  let from = 32;
  for (let at = 0; at < count; ) {
    if (from === 64) {
      block(state);
      from = 0;
    }
    const n = Math.min(64 - from, count - at);
    for (let i = 0; i < n; i++, from++) out[at + i] = working[from >> 2] >>> ((from & 3) * 8);
    at += n;
  }
  state.key.set(nextKey);
  return out;
}

/** A random integer in [0, bound), bound at most 2^48: address space randomisation, hashes. */
export function randomBelow(k: Kernel, bound: number): number {
  const b = randomBytes(k, 6);
  const value = b[0] + b[1] * 2 ** 8 + b[2] * 2 ** 16 + b[3] * 2 ** 24 + b[4] * 2 ** 32 + b[5] * 2 ** 40;
  return Math.floor((value / 2 ** 48) * bound);
}
