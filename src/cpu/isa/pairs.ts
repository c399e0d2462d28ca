/**
 * Pairs of ops that the decoder fuses into one, in order of how much of real programs they are (found with
 * `test/bench/pairs.ts`). Names are those of src/cpu/generate/ops.ts. They change speed only.
 */
export const PAIRS: readonly string[] = [];
