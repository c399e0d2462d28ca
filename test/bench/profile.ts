/**
 * Finds the sequences of ops worth fusing (src/cpu/isa/sequences.ts). Reads logs of
 * `qemu-riscv64 -d in_asm,exec,nochain -D LOG PROGRAM…` (a FIFO will do), one per argument; prints the sequences that
 * save the most dispatches over all logs, each log weighing the same (or `LOG=SHARE`), best first.
 *
 *     mkfifo log && tsx test/bench/profile.ts log --count 200 & qemu-riscv64 -d in_asm,exec,nochain -D log bash -c …
 */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { type Classified, classify } from '../../src/cpu/generate/classify.ts';
import { isHot } from '../../src/cpu/generate/meaning.ts';
import { buildOps, type Op } from '../../src/cpu/generate/ops.ts';

const LONGEST = 8;
const ops = new Map(buildOps([]).ops.map((op) => [op.name, op]));

/** An op's name, and its relation to the op before it (see Relation in ops.ts). */
interface Named {
  name: string;
  relation: string;
}

/** A straight piece of code and how often it ran, as a share of its log's instructions. */
interface Block {
  ops: Named[];
  weight: number;
}

async function readLog(path: string): Promise<Block[]> {
  const blocks = new Map<string, { ops: Classified[]; count: number }>();
  let open: { ops: Classified[]; count: number } | undefined;
  let first = true;
  for await (const line of createInterface({ input: createReadStream(path) })) {
    if (line.startsWith('Trace')) {
      const block = blocks.get(line.split('/')[1]);
      if (block) block.count++;
    } else if (line.startsWith('IN:')) {
      open = { ops: [], count: 0 };
      first = true;
    } else if (open && line.startsWith('0x')) {
      const [address, bits] = line.trim().split(/:?\s+/);
      if (first) blocks.set(address.slice(2), open);
      first = false;
      open.ops.push(classify(Number.parseInt(bits, 16), Number.parseInt(address.slice(-8), 16)));
    }
  }
  const list = [...blocks.values()].filter((block) => block.count > 0);
  const total = list.reduce((sum, block) => sum + block.count * block.ops.length, 0);
  process.stderr.write(`${path}: ${total} instructions in ${list.length} blocks\n`);
  return list.map((block) => ({ ops: relate(block.ops), weight: block.count / total }));
}

const always = (op: Op): boolean => /(^|; )goto /.test(op.meaning);

/** Whether an op may stand in a fused sequence, at its end or before. */
function mayFuse(name: string, last: boolean): boolean {
  const op = ops.get(name);
  return op !== undefined && isHot(op) && (last || !always(op)) && !/\bf[a-z]+_[sd]\(/.test(op.meaning);
}

function relate(list: Classified[]): Named[] {
  return list.map(({ name, rd, rs1, rs2 }, i) => {
    const result = i > 0 ? list[i - 1].rd : undefined;
    const letters = [rs1, rs2, rd].map((register, k) =>
      result !== undefined && register === result ? 'std'[k] : '',
    );
    return { name, relation: letters.join('') };
  });
}

/** What a dispatch saved is worth, and a register passed along, and a write left out. */
const worth = (relation: string): number =>
  1 + (/[st]/.test(relation) ? 0.6 : 0) + (relation.includes('d') ? 0.2 : 0);

const keyed = ({ name, relation }: Named): string => (relation ? `${name}:${relation}` : name);

/** The chosen sequence that starts at `from`, as the decoder finds it, and its length. */
function swallowed(names: Named[], from: number, chosen: Set<string>): [string, number] {
  let key = names[from].name;
  let length = 1;
  for (; from + length < names.length; length++) {
    const next = names[from + length];
    const longer = [`${key} + ${keyed(next)}`, `${key} + ${next.name}`].find((candidate) =>
      chosen.has(candidate),
    );
    if (!longer) break;
    key = longer;
  }
  return [key, length];
}

/** The sequence whose choice saves most now. */
function best(blocks: Block[], chosen: Set<string>): [string, number] {
  const gains = new Map<string, number>();
  for (const { ops: names, weight } of blocks) {
    for (let at = 0; at < names.length; ) {
      const [key, length] = swallowed(names, at, chosen);
      const end = at + length;
      const fits = end < names.length && length < LONGEST && mayFuse(names[end].name, true);
      if (fits && names.slice(at, end).every(({ name }) => mayFuse(name, false))) {
        const next = names[end];
        for (const candidate of new Set([keyed(next), next.name])) {
          const longer = `${key} + ${candidate}`;
          const gain = weight * worth(candidate === next.name ? '' : next.relation);
          gains.set(longer, (gains.get(longer) ?? 0) + gain);
        }
      }
      at = end;
    }
  }
  return [...gains].reduce((a, b) => (b[1] > a[1] ? b : a), ['', 0]);
}

const count = Number(process.argv[process.argv.indexOf('--count') + 1]) || 200;
const paths = process.argv.slice(2).filter((word) => !word.startsWith('--') && word !== String(count));
const blocks: Block[] = [];
for (const word of paths) {
  const [path, share = '1'] = word.split('=');
  for (const block of await readLog(path)) blocks.push({ ...block, weight: block.weight * Number(share) });
}
const whole = blocks.reduce((sum, block) => sum + block.weight * block.ops.length, 0);
for (const block of blocks) block.weight /= whole;
const chosen = new Set<string>();
let saved = 0;
while (chosen.size < count) {
  const [key, gain] = best(blocks, chosen);
  if (key === '') break;
  chosen.add(key);
  saved += gain;
  if (chosen.size % 25 === 0)
    process.stderr.write(
      `${chosen.size}: ${(saved * 100).toFixed(1)} % of dispatches saved or made cheaper\n`,
    );
}
console.log([...chosen].map((key) => `  '${key}',`).join('\n'));
