/**
 * The hart against qemu's recorded answers, and against hostile guests. A fixed share; `npm run fuzz:cpu` has no end.
 */
import { describe, expect, test } from 'vitest';
import { COMPRESSED, INSTRUCTIONS, instructionNamed } from '../../src/cpu/isa/index.ts';
import { imageHash, makeCases, resultHashes } from './fuzz-cases.ts';
import { readCorpus } from './fuzz-corpus.ts';
import { qemuVersion } from './fuzz-elf.ts';
import { attack } from './fuzz-garbage.ts';
import { leftOut } from './fuzz-generator.ts';
import { randomSlices, runOnHart, sharedMachine } from './fuzz-hart.ts';
import { buildImage, RESULT } from './fuzz-image.ts';
import { encode } from './fuzz-program.ts';
import { compareInterpreters, differingCases, explain } from './fuzz-report.ts';
import { SEQUENCE_COUNT } from './fuzz-sequences.ts';

const corpus = readCorpus();

describe(`random programs answer as under ${corpus.recordedWith}`, () => {
  for (const batch of corpus.batches) {
    test(`seed ${batch.seed}: ${batch.cases} programs`, async () => {
      const cases = makeCases(batch.seed, batch.cases);
      const image = buildImage(cases, batch.seed);
      expect(
        imageHash(image),
        'the fuzzer or the declarations changed: record anew with `npm run fuzz:cpu -- --record` (needs qemu-user)',
      ).toBe(batch.image);
      const ours = await runOnHart(image, batch.seed % 2 === 1 ? randomSlices(batch.seed) : undefined);
      const recorded = Buffer.from(batch.answers, 'base64');
      const wrong = differingCases(resultHashes(ours.results), recorded, 8).concat([...ours.failures.keys()]);
      const reports: string[] = [];
      for (const index of wrong.slice(0, 3)) {
        const label = `seed ${batch.seed}, program ${index}`;
        const names = cases[index].program.items.map(({ name }) => name).join(' ');
        reports.push(
          qemuVersion()
            ? await explain(cases[index], batch.seed, label)
            : `${label}: ${ours.failures.get(index) ?? ''} ${names}`,
        );
      }
      expect(wrong.length, reports.join('\n')).toBe(0);
    });
  }

  test('every declared instruction comes up often, or its absence has a reason', () => {
    const counts = new Map<string, number>();
    for (const { seed, cases } of corpus.batches.slice(0, 3)) {
      for (const { program } of makeCases(seed, cases)) {
        for (const { name } of program.items) counts.set(name, (counts.get(name) ?? 0) + 1);
      }
    }
    const rare = [...INSTRUCTIONS, ...COMPRESSED]
      .filter(({ name }) => !leftOut(name) && (counts.get(name) ?? 0) < 80)
      .map(({ name }) => name);
    expect(rare).toEqual([]);
  });
});

test('ctzw counts in 32 bits, which qemu does not before its version 8', async () => {
  const values = [0n, 1n << 33n, 1n << 63n, 1n << 31n];
  const ctzw = encode(instructionNamed('ctzw'), { rd: 6, rs1: 5 });
  const cases = values.map((value) => ({
    program: { reserved: 31, items: [{ name: 'ctzw', bits: ctzw, size: 4 }] },
    x: Array.from({ length: 32 }, (_, i) => (i === 5 ? value : 0n)),
    f: Array.from({ length: 32 }, () => 0n),
    fcsr: 0,
  }));
  const { results } = await runOnHart(buildImage(cases, 1));
  const view = new DataView(results.buffer);
  expect(values.map((_, i) => view.getUint32(i * RESULT.size + 8 * 6, true))).toEqual([32, 32, 32, 31]);
});

test('what the fast interpreter fuses does what the stepping one does, traps in the middle included', async () => {
  for (let seed = 1; seed <= 3; seed++) {
    const reports = await compareInterpreters(seed, 8 * SEQUENCE_COUNT, 3);
    expect(reports.length, reports.join('\n\n')).toBe(0);
  }
});

test('random bytes as code end in a trap or a spent budget and touch nothing outside their pages', async () => {
  const { runs, traps } = attack(await sharedMachine(), 1, 100_000);
  expect(runs).toBeGreaterThanOrEqual(100_000);
  expect(traps.size).toBeGreaterThan(5);
});
