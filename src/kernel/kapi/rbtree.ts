/**
 * Red-black trees of C code (lib/rbtree.c; Cormen et al., Introduction to Algorithms, chapter 13). Always true: nodes are in guest
 * memory and believed only as far as memory is there; the parent pointer's lowest bit is the colour, 1 for black; every walk is
 * bounded.
 */
import type { Kernel } from '../kernel.ts';
import { readK64, writeK64 } from '../module/kmem.ts';
import { kapi } from './registry.ts';

const RIGHT = 8;
const LEFT = 16;
const MAX_STEPS = 200;

const link = (k: Kernel, at: number): number => readK64(k, at) ?? 0;
const parentWord = (k: Kernel, n: number): number => link(k, n);
const isBlack = (k: Kernel, n: number): boolean => n === 0 || Math.abs(parentWord(k, n)) % 2 === 1;
/** The word less its low bits: addresses are multiples of 8. */
const parent = (k: Kernel, n: number): number => Math.floor(parentWord(k, n) / 4) * 4;
const left = (k: Kernel, n: number): number => link(k, n + LEFT);
const right = (k: Kernel, n: number): number => link(k, n + RIGHT);
const setParent = (k: Kernel, n: number, p: number): void => {
  if (n !== 0) writeK64(k, n, p + (isBlack(k, n) ? 1 : 0));
};
const setBlack = (k: Kernel, n: number, black: boolean): void => {
  if (n !== 0) writeK64(k, n, parent(k, n) + (black ? 1 : 0));
};
const rootOf = (k: Kernel, root: number): number => link(k, root);

/** Puts `by` where `n` hangs. */
function replaceChild(k: Kernel, root: number, p: number, n: number, by: number): void {
  if (p === 0) writeK64(k, root, by);
  else if (left(k, p) === n) writeK64(k, p + LEFT, by);
  else writeK64(k, p + RIGHT, by);
}

/** Turns `n` down to the side of `down` (LEFT or RIGHT); its other child comes up. */
function rotate(k: Kernel, root: number, n: number, down: number): void {
  const up = down === LEFT ? RIGHT : LEFT;
  const child = link(k, n + up);
  const p = parent(k, n);
  const inner = link(k, child + down);
  writeK64(k, n + up, inner);
  setParent(k, inner, n);
  writeK64(k, child + down, n);
  replaceChild(k, root, p, n, child);
  setParent(k, child, p);
  setParent(k, n, child);
}

kapi('rb_insert_color', (k, _task, [node, root]) => {
  let n = node;
  setBlack(k, n, false);
  for (let i = 0; i < MAX_STEPS; i++) {
    let p = parent(k, n);
    if (p === 0 || isBlack(k, p)) break;
    const g = parent(k, p);
    if (g === 0) break;
    const side = left(k, g) === p ? LEFT : RIGHT;
    const other = side === LEFT ? RIGHT : LEFT;
    const uncle = link(k, g + other);
    if (!isBlack(k, uncle)) {
      setBlack(k, p, true);
      setBlack(k, uncle, true);
      setBlack(k, g, false);
      n = g;
      continue;
    }
    if (link(k, p + other) === n) {
      rotate(k, root, p, side);
      n = p;
      p = parent(k, n);
    }
    setBlack(k, p, true);
    setBlack(k, g, false);
    rotate(k, root, g, other);
    break;
  }
  setBlack(k, rootOf(k, root), true);
  return 0;
});

function leftmost(k: Kernel, n: number): number {
  let at = n;
  for (let i = 0; i < MAX_STEPS && at !== 0 && left(k, at) !== 0; i++) at = left(k, at);
  return at;
}
function rightmost(k: Kernel, n: number): number {
  let at = n;
  for (let i = 0; i < MAX_STEPS && at !== 0 && right(k, at) !== 0; i++) at = right(k, at);
  return at;
}

kapi('rb_erase', (k, _task, [node, root]) => {
  let child: number;
  let p: number;
  let wasBlack: boolean;
  if (left(k, node) !== 0 && right(k, node) !== 0) {
    const next = leftmost(k, right(k, node));
    wasBlack = isBlack(k, next);
    child = right(k, next);
    p = parent(k, next);
    if (p === node) p = next;
    else {
      writeK64(k, p + LEFT, child);
      setParent(k, child, p);
      writeK64(k, next + RIGHT, right(k, node));
      setParent(k, right(k, node), next);
    }
    replaceChild(k, root, parent(k, node), node, next);
    writeK64(k, next + LEFT, left(k, node));
    setParent(k, left(k, node), next);
    writeK64(k, next, parentWord(k, node));
  } else {
    child = left(k, node) || right(k, node);
    p = parent(k, node);
    wasBlack = isBlack(k, node);
    replaceChild(k, root, p, node, child);
    setParent(k, child, p);
  }
  if (wasBlack) rebalance(k, root, child, p);
  return 0;
});

/** A black node is missing above `n` (may be 0), a child of `p`. */
function rebalance(k: Kernel, root: number, node: number, above: number): void {
  let n = node;
  let p = above;
  for (let i = 0; i < MAX_STEPS && n !== rootOf(k, root) && isBlack(k, n) && p !== 0; i++) {
    const side = left(k, p) === n ? LEFT : RIGHT;
    const other = side === LEFT ? RIGHT : LEFT;
    let s = link(k, p + other);
    if (!isBlack(k, s)) {
      setBlack(k, s, true);
      setBlack(k, p, false);
      rotate(k, root, p, side);
      s = link(k, p + other);
    }
    if (s === 0) break;
    if (isBlack(k, left(k, s)) && isBlack(k, right(k, s))) {
      setBlack(k, s, false);
      n = p;
      p = parent(k, n);
      continue;
    }
    if (isBlack(k, link(k, s + other))) {
      setBlack(k, link(k, s + side), true);
      setBlack(k, s, false);
      rotate(k, root, s, other);
      s = link(k, p + other);
    }
    setBlack(k, s, isBlack(k, p));
    setBlack(k, p, true);
    setBlack(k, link(k, s + other), true);
    rotate(k, root, p, side);
    n = rootOf(k, root);
    break;
  }
  setBlack(k, n, true);
}

kapi('rb_first', (k, _task, [root]) => leftmost(k, rootOf(k, root)));
kapi('rb_last', (k, _task, [root]) => rightmost(k, rootOf(k, root)));
/** In-order neighbour; a node that is in no tree points to itself. */
const neighbour =
  (down: number, extreme: (k: Kernel, n: number) => number) =>
  (k: Kernel, _task: unknown, [node]: readonly number[]): number => {
    if (parent(k, node) === node) return 0;
    const below = link(k, node + down);
    if (below !== 0) return extreme(k, below);
    let n = node;
    let p = parent(k, n);
    for (let i = 0; i < MAX_STEPS && p !== 0 && link(k, p + down) === n; i++) {
      n = p;
      p = parent(k, n);
    }
    return p;
  };
kapi('rb_next', neighbour(RIGHT, leftmost));
kapi('rb_prev', neighbour(LEFT, rightmost));
function deepest(k: Kernel, n: number): number {
  let at = n;
  for (let i = 0; i < MAX_STEPS; i++) {
    const next = left(k, at) || right(k, at);
    if (next === 0) break;
    at = next;
  }
  return at;
}
kapi('rb_first_postorder', (k, _task, [root]) => (rootOf(k, root) === 0 ? 0 : deepest(k, rootOf(k, root))));
kapi('rb_next_postorder', (k, _task, [node]) => {
  const p = node === 0 ? 0 : parent(k, node);
  return p !== 0 && node === left(k, p) && right(k, p) !== 0 ? deepest(k, right(k, p)) : p;
});
kapi('rb_replace_node', (k, _task, [victim, by, root]) => {
  for (const offset of [0, RIGHT, LEFT]) writeK64(k, by + offset, link(k, victim + offset));
  setParent(k, left(k, victim), by);
  setParent(k, right(k, victim), by);
  replaceChild(k, root, parent(k, victim), victim, by);
  return 0;
});
