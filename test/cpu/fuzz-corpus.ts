/**
 * The recorded corpus: qemu's answers to fixed-seed batches, so that `npm test` needs no qemu.
 *
 * Always true: an answer belongs to the image with the recorded hash. When declarations or generator change, the image
 * changes and the corpus must be recorded anew (`npm run fuzz:cpu -- --record`, with qemu-user installed).
 */
import { readFileSync, writeFileSync } from 'node:fs';

const PATH = new URL('./fuzz-corpus.json', import.meta.url);

export interface Batch {
  seed: number;
  cases: number;
  /** {@link imageHash} of the batch. */
  image: string;
  /** Eight bytes a case, base64. */
  answers: string;
}

export interface Corpus {
  recordedWith: string;
  recordedOn: string;
  batches: Batch[];
}

/** The batches a recording holds. */
export const BATCHES: readonly { seed: number; cases: number }[] = Array.from({ length: 8 }, (_, i) => ({
  seed: 1001 + i,
  cases: 2500,
}));

export function readCorpus(): Corpus {
  return JSON.parse(readFileSync(PATH, 'utf8')) as Corpus;
}

export function writeCorpus(corpus: Corpus): void {
  writeFileSync(PATH, `${JSON.stringify(corpus, null, 2)}\n`);
}
