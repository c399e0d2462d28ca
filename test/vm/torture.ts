/**
 * Checkpoint torture: a VM that is checkpointed, thrown away and restored in a fresh WebAssembly memory every so many
 * instructions while it works. What it prints must equal, byte for byte, what an undisturbed VM prints.
 */
import { createMachine } from '../../src/cpu/index.ts';
import {
  checkpointVm,
  closeInput,
  createVm,
  decodeCheckpoint,
  destroyVm,
  encodeCheckpoint,
  exitStatusOf,
  hashVm,
  type ProcessOptions,
  readOutput,
  restoreVm,
  runVm,
  spawnProcess,
  writeInput,
} from '../../src/vm/index.ts';
import { workbench } from './student.ts';

/** A piece of work: a process, and what is typed at it whenever it has nothing to do. */
export interface Work {
  process: ProcessOptions;
  /** Keys, one element each time the VM falls idle. */
  keys?: readonly string[];
  input?: string;
}

export interface Story {
  output: string;
  status: number | null;
  hash: string;
  checkpoints: number;
  instructions: number;
}

/** Uneven on purpose, so that cuts fall into ever other places. */
const lengths = (every: number, round: number): number => every + ((round * 7919) % every);

/**
 * Does the work, with a checkpoint about every `every` instructions (0: undisturbed). Every tenth checkpoint goes through its
 * file format as well.
 */
export async function story(work: Work, every: number, budget = 3e9): Promise<Story> {
  const { machine, image } = await workbench();
  let vm = createVm(machine, image);
  const pid = spawnProcess(vm, work.process);
  if (work.input !== undefined) {
    writeInput(vm, pid, Buffer.from(work.input));
    closeInput(vm, pid);
  }
  const keys = [...(work.keys ?? [])];
  const output: Uint8Array[] = [];
  let instructions = 0;
  let checkpoints = 0;
  for (let round = 0; exitStatusOf(vm, pid) === null; round++) {
    if (instructions > budget) throw new Error(`budget spent; so far:\n${Buffer.concat(output)}`);
    // With keys left an idle VM waits for them; without, its clock jumps to what is due.
    const slice = runVm(
      vm,
      every > 0 ? lengths(every, round) : 1_000_000,
      keys.length > 0 ? 0 : Number.POSITIVE_INFINITY,
    );
    instructions += slice.retired + 1;
    for (const stream of ['stdout', 'stderr'] as const) {
      const bytes = readOutput(vm, pid, stream);
      if (bytes.length > 0) output.push(bytes);
    }
    if (slice.state === 'idle') {
      const next = keys.shift();
      if (next === undefined) throw new Error(`idle without an end:\n${Buffer.concat(output)}`);
      writeInput(vm, pid, Buffer.from(next));
    }
    if (every > 0) {
      let checkpoint = checkpointVm(vm);
      if (checkpoints % 10 === 0) checkpoint = decodeCheckpoint(encodeCheckpoint(checkpoint), 'torture');
      destroyVm(vm);
      vm = restoreVm(checkpoint, await createMachine({ maxFrames: 65536 }), image);
      checkpoints++;
    }
  }
  const status = exitStatusOf(vm, pid)!;
  return {
    output: Buffer.concat(output).toString('latin1'),
    status: status.exitCode ?? 128 + status.signal!,
    hash: hashVm(vm),
    checkpoints,
    instructions,
  };
}
