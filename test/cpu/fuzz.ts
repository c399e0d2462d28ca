/**
 * `npm run fuzz:cpu`: random programs on our hart and under qemu-riscv64, side by side, until something differs or time
 * is up; between them fused sequences on both of our interpreters, and hostile guests (random bytes as code).
 *
 *   npm run fuzz:cpu                      for ever, from a random seed
 *   npm run fuzz:cpu -- --seconds 60      a bounded share
 *   npm run fuzz:cpu -- --seed 7          from that seed on
 *   npm run fuzz:cpu -- --garbage         hostile guests only (needs no qemu)
 *   npm run fuzz:cpu -- --record          records qemu's answers to the corpus of `npm test` anew
 *
 * Exit status: 0 when all agreed, 1 at a difference, 2 when qemu-riscv64 is missing.
 */
import { parseArgs } from 'node:util';
import { imageHash, makeCases, resultHashes } from './fuzz-cases.ts';
import { BATCHES, writeCorpus } from './fuzz-corpus.ts';
import { qemuVersion, runUnderQemu } from './fuzz-elf.ts';
import { attack } from './fuzz-garbage.ts';
import { randomSlices, runOnHart, sharedMachine } from './fuzz-hart.ts';
import { buildImage } from './fuzz-image.ts';
import { caseDifferences, compareInterpreters, differingCases, explain } from './fuzz-report.ts';
import { SEQUENCE_COUNT } from './fuzz-sequences.ts';

const CASES_PER_ROUND = 4000;
const GARBAGE_PER_ROUND = 10_000;
const REPORTED = 3;

/** Compares one seed's batch; answers a report of what differs, empty when nothing does. */
async function compareSeed(seed: number, count: number): Promise<string[]> {
  const cases = makeCases(seed, count);
  const image = buildImage(cases, seed);
  const pending = runUnderQemu(image);
  pending.catch(() => {});
  const ours = await runOnHart(image, seed % 2 === 1 ? randomSlices(seed) : undefined);
  const theirs = await pending;
  const wrong = [...new Set([...differingCases(ours.results, theirs), ...ours.failures.keys()])];
  const reports =
    wrong.length > REPORTED ? [`seed ${seed}: ${wrong.length} of ${count} programs differ; the first:`] : [];
  for (const index of wrong.slice(0, REPORTED)) {
    const raw = caseDifferences(ours.results, theirs, index).concat(ours.failures.get(index) ?? []);
    reports.push(await explain(cases[index], seed, `seed ${seed}, program ${index}`, raw));
  }
  return reports;
}

async function record(version: string): Promise<void> {
  const batches = [];
  for (const { seed, cases } of BATCHES) {
    const image = buildImage(makeCases(seed, cases), seed);
    const answers = Buffer.from(resultHashes(await runUnderQemu(image))).toString('base64');
    batches.push({ seed, cases, image: imageHash(image), answers });
    console.log(`seed ${seed}: ${cases} programs recorded`);
  }
  writeCorpus({ recordedWith: version, recordedOn: new Date().toISOString().slice(0, 10), batches });
}

async function live(firstSeed: number, seconds: number, garbageOnly: boolean): Promise<boolean> {
  const m = await sharedMachine();
  const started = Date.now();
  const until = started + 1000 * seconds;
  let programs = 0;
  let runs = 0;
  let said = started;
  for (let seed = firstSeed; programs + runs === 0 || Date.now() < until; seed = (seed + 1) >>> 0) {
    if (!garbageOnly) {
      const reports = await compareSeed(seed, CASES_PER_ROUND);
      reports.push(...(await compareInterpreters(seed, SEQUENCE_COUNT, REPORTED)));
      if (reports.length > 0) {
        console.log(reports.join('\n\n'));
        return false;
      }
      programs += CASES_PER_ROUND;
    }
    runs += attack(m, seed, GARBAGE_PER_ROUND, until).runs;
    if (Date.now() - said > 5000 || Date.now() >= until) {
      said = Date.now();
      const seconds = Math.round((said - started) / 1000);
      console.log(`${seconds} s: up to seed ${seed}, ${programs} programs agree, ${runs} hostile runs held`);
    }
  }
  return true;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string' },
      seed: { type: 'string' },
      record: { type: 'boolean', default: false },
      garbage: { type: 'boolean', default: false },
    },
  });
  const version = qemuVersion();
  if (version === undefined && !values.garbage) {
    process.stderr.write('qemu-riscv64 is not here: install the package qemu-user, or pass --garbage\n');
    return 2;
  }
  if (values.record && version !== undefined) {
    await record(version);
    return 0;
  }
  const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(values.seed);
  const seconds = values.seconds === undefined ? Infinity : Number(values.seconds);
  return (await live(seed, seconds, values.garbage)) ? 0 : 1;
}

process.exitCode = await main();
