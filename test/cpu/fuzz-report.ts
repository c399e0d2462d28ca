/**
 * From "case 1234 differs" to the instruction, what went into it and what came out on either side.
 *
 * Always true: a report needs qemu; it runs every prefix of the program on both sides and takes the first that differs.
 */
import type { Machine } from '../../src/cpu/machine.ts';
import { runUnderQemu } from './fuzz-elf.ts';
import { runOnHart, sharedMachine, shortSlices } from './fuzz-hart.ts';
import { buildImage, type Case, RESULT } from './fuzz-image.ts';
import { layOut, SCRATCH } from './fuzz-program.ts';
import { makeSequenceCases, sequenceName } from './fuzz-sequences.ts';

/** What differs in one case of a batch. */
export function caseDifferences(ours: Uint8Array, theirs: Uint8Array, index: number): string[] {
  return differences(resultOf(ours, index), resultOf(theirs, index));
}

/** Indices of the cases whose results differ. */
export function differingCases(ours: Uint8Array, theirs: Uint8Array, stride: number = RESULT.size): number[] {
  const indices: number[] = [];
  const a = Buffer.from(ours.buffer, ours.byteOffset, ours.byteLength);
  for (let at = 0; at < theirs.length; at += stride) {
    if (a.compare(theirs, at, at + stride, at, at + stride) !== 0) indices.push(at / stride);
  }
  return indices;
}

function resultOf(results: Uint8Array, index: number): DataView {
  return new DataView(results.buffer, results.byteOffset + index * RESULT.size, RESULT.size);
}

const hex = (value: bigint): string => `0x${value.toString(16)}`;

/** Names of the places in a result, in steps of eight bytes. */
function placeName(offset: number): string {
  if (offset < RESULT.f) return `x${offset / 8}`;
  if (offset < RESULT.fcsr) return `f${(offset - RESULT.f) / 8}`;
  if (offset < RESULT.scratch) return 'fcsr';
  return `memory at ${(SCRATCH.start + offset - RESULT.scratch).toString(16)}`;
}

function differences(ours: DataView, theirs: DataView, sides = ['ours', 'qemu']): string[] {
  const lines: string[] = [];
  for (let offset = 0; offset < RESULT.size; offset += 8) {
    const a = ours.getBigUint64(offset, true);
    const b = theirs.getBigUint64(offset, true);
    if (a !== b) lines.push(`    ${placeName(offset)}: ${sides[0]} ${hex(a)}, ${sides[1]} ${hex(b)}`);
  }
  return lines;
}

function listing(m: Machine, one: Case, address: number): string[] {
  const bytes = layOut(one.program, address);
  const view = new DataView(bytes.buffer);
  let at = 0;
  return one.program.items.map(({ name, size }) => {
    const bits = size === 2 ? view.getUint16(at, true) : view.getUint32(at, true);
    const line = `${(address + at).toString(16)}: ${bits.toString(16).padStart(2 * size, '0')} ${m.hart.disassemble(bits, address + at)} (${name})`;
    at += size;
    return line;
  });
}

/** Registers named in a line of assembly, with their values before it. */
function inputs(line: string, before: DataView): string[] {
  const names = ABI_NAMES.filter((name) => new RegExp(`\\b${name}\\b`).test(line));
  return names.map((name) => {
    const index = ABI_NAMES.indexOf(name);
    return `    ${name} = ${hex(before.getBigUint64(8 * index, true))}`;
  });
}

const X_NAMES =
  'zero ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6';
const F_NAMES =
  'ft0 ft1 ft2 ft3 ft4 ft5 ft6 ft7 fs0 fs1 fa0 fa1 fa2 fa3 fa4 fa5 fa6 fa7 fs2 fs3 fs4 fs5 fs6 fs7 fs8 fs9 fs10 fs11 ft8 ft9 ft10 ft11';
const ABI_NAMES = `${X_NAMES} ${F_NAMES}`.split(' ');

/** A text that names the instruction at fault, its operands, and what either side made of them. */
export async function explain(
  one: Case,
  seed: number,
  label: string,
  asItRan: readonly string[] = [],
): Promise<string> {
  const m = await sharedMachine();
  const prefixes = Array.from({ length: one.program.items.length + 1 }, (_, length) => ({ ...one, length }));
  const image = buildImage(prefixes, seed);
  const [theirs, ours] = await Promise.all([runUnderQemu(image), runOnHart(image)]);
  const lines = [`${label}: ${one.program.items.length} instructions, x${one.program.reserved} reserved`];
  const first = differingCases(ours.results, theirs)
    .concat([...ours.failures.keys()])
    .sort((a, b) => a - b)[0];
  if (first === undefined) {
    lines.push(
      '  no prefix of it differs when it lies elsewhere: the bug depends on addresses or on what ran before',
    );
    lines.push(...asItRan);
    return lines.concat(listing(m, one, 0x200000).map((line) => `  ${line}`)).join('\n');
  }
  const text = listing(m, one, image.programAddresses[first]);
  if (first === 0) {
    lines.push('  differs before its first instruction: loading or storing registers is at fault');
  } else {
    const before = resultOf(theirs, first - 1);
    lines.push(`  first wrong after: ${text[first - 1]}`, '  before it:', ...inputs(text[first - 1], before));
    lines.push(`    fcsr = ${hex(before.getBigUint64(RESULT.fcsr, true))}`);
  }
  lines.push('  after it:', ...differences(resultOf(ours.results, first), resultOf(theirs, first)));
  const failure = ours.failures.get(first);
  if (failure) lines.push(`    ours: ${failure}`);
  return lines.concat('  program:', ...text.slice(0, first).map((line) => `    ${line}`)).join('\n');
}

/** Runs a batch of fused sequences on both interpreters; answers a report for each of the first that differ. */
export async function compareInterpreters(seed: number, count: number, reported: number): Promise<string[]> {
  const m = await sharedMachine();
  const cases = makeSequenceCases(seed, count);
  const image = buildImage(cases, seed);
  const fast = await runOnHart(image);
  const stepping = await runOnHart(image, shortSlices);
  const broken = [...fast.failures.keys(), ...stepping.failures.keys()].filter(
    (index) => fast.failures.get(index) !== stepping.failures.get(index),
  );
  const wrong = [...new Set([...differingCases(fast.results, stepping.results), ...broken])];
  return wrong
    .slice(0, reported)
    .map((index) =>
      [
        `sequences of seed ${seed}, program ${index}: ${sequenceName(index)}`,
        `  fast: ${fast.failures.get(index) ?? 'no trap'}; stepping: ${stepping.failures.get(index) ?? 'no trap'}`,
        ...differences(resultOf(fast.results, index), resultOf(stepping.results, index), [
          'fast',
          'stepping',
        ]),
        ...listing(m, cases[index], image.programAddresses[index]).map((line) => `    ${line}`),
      ].join('\n'),
    );
}
