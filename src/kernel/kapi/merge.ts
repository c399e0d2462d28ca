/**
 * A stable merge sort that stops at each comparison, because comparing is module code: what sort and list_sort stand on. Always true:
 * `order` is a permutation of what was given, sorted in runs of `width`.
 */

/** A sort under way: plain data, kept in an activation between two comparisons. */
export interface Merge {
  order: number[];
  /** The runs joined so far in this pass. */
  merged: number[];
  width: number;
  left: number;
  i: number;
  j: number;
}

export const newMerge = (order: number[]): Merge => ({ order, merged: [], width: 1, left: 0, i: 0, j: 1 });

/** Goes on, with the verdict on the pair that was asked for last (null at the start); answers the next pair, null: sorted. */
export function proceedMerge(s: Merge, verdict: number | null): [number, number] | null {
  let answer = verdict;
  const n = s.order.length;
  while (s.width < n) {
    const middle = Math.min(s.left + s.width, n);
    const end = Math.min(s.left + 2 * s.width, n);
    if (s.i < middle && s.j < end) {
      if (answer === null) return [s.order[s.i], s.order[s.j]];
      // Equal entries keep their order.
      s.merged.push(answer <= 0 ? s.order[s.i++] : s.order[s.j++]);
      answer = null;
      continue;
    }
    while (s.i < middle) s.merged.push(s.order[s.i++]);
    while (s.j < end) s.merged.push(s.order[s.j++]);
    s.left = end;
    if (s.left >= n) {
      s.order = s.merged;
      s.merged = [];
      s.width *= 2;
      s.left = 0;
    }
    s.i = s.left;
    s.j = Math.min(s.left + s.width, n);
  }
  return null;
}
