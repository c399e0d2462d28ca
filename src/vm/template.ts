/**
 * Booted templates: the first VM of an image and kernel is booted to its login prompt and kept as a checkpoint in the cache;
 * every later VM is restored from it. Always true: the name of a template holds the image's content address and a hash of the
 * sources that made it, so a stale one is never found; it is deleted when its successor is written.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Machine } from '../cpu/machine.ts';
import { cacheFolder } from '../image/cache.ts';
import { mixRandom } from '../kernel/drivers/random.ts';
import type { ImageFs } from '../kernel/fs/image.ts';
import type { KernelHost } from '../kernel/kernel.ts';
import { type Checkpoint, loadCheckpoint, saveCheckpoint } from './checkpoint.ts';
import {
  bootVm,
  checkpointVm,
  DEFAULT_RELEASE,
  destroyVm,
  restoreVm,
  runVm,
  type Vm,
  type VmOptions,
} from './vm.ts';

/** Boot takes a few hundred million instructions at the most; more means that it hangs. */
const BOOT_BUDGET = 4e9;
const SLICE = 2e7;
/** Programs of the boot script that sleep a moment are waited for; longer timers (init's own) are not. */
const PATIENCE_NS = 1e9;

let known: string | undefined;

/** Hash of everything that decides what a booted VM looks like, the image aside: a checkpoint fits the sources that made it. */
export function sourcesHash(): string {
  known ??= hashSources();
  return known;
}

function hashSources(): string {
  const hash = createHash('sha256');
  const src = fileURLToPath(new URL('..', import.meta.url));
  for (const room of ['cpu', 'kernel', 'vm']) {
    const files = readdirSync(join(src, room), { recursive: true, encoding: 'utf8' }).sort();
    for (const file of files)
      if (file.endsWith('.ts')) hash.update(file).update(readFileSync(join(src, room, file)));
  }
  return hash.digest('hex').slice(0, 12);
}

/** Runs a VM that boots until it has nothing left to do: init has started everything and a login prompt waits. */
export function runToPrompt(vm: Vm): void {
  for (let spent = 0; spent < BOOT_BUDGET; ) {
    const slice = runVm(vm, SLICE, PATIENCE_NS);
    spent += slice.retired;
    if (slice.state === 'halted') throw new Error(`the VM halted while it booted: ${vm.kernel.halted?.text}`);
    if (slice.state === 'idle') break;
  }
}

function bootToPrompt(machine: Machine, image: ImageFs, options: VmOptions): Checkpoint {
  const vm = bootVm(machine, image, options);
  runToPrompt(vm);
  const checkpoint = checkpointVm(vm);
  destroyVm(vm);
  return checkpoint;
}

/** The checkpoint of a booted VM of this image and these options, from the cache or made now. */
export function bootedTemplate(machine: Machine, image: ImageFs, options: VmOptions = {}): Checkpoint {
  const folder = cacheFolder('templates');
  const release = options.release ?? DEFAULT_RELEASE;
  const wanted = createHash('sha256')
    .update(
      JSON.stringify([
        options.memoryMiB,
        options.diskMiB,
        options.maxTasks,
        options.maxOpenFiles,
        options.cmdline,
      ]),
    )
    .digest('hex')
    .slice(0, 8);
  const family = `${release}-${wanted}-`;
  const name = `${family}${image.id.slice(0, 12)}-${sourcesHash()}.ckpt`;
  const path = join(folder, name);
  if (existsSync(path)) {
    try {
      return loadCheckpoint(path);
    } catch {
      rmSync(path, { force: true });
    }
  }
  const checkpoint = bootToPrompt(machine, image, { ...options, nsPerInstruction: undefined });
  for (const old of readdirSync(folder))
    if (old.startsWith(family)) rmSync(join(folder, old), { force: true });
  saveCheckpoint(path, checkpoint);
  return checkpoint;
}

/**
 * A fresh VM that stands at its login prompt: the template with a seed, a wall clock and a pace of its own.
 * Deterministic VMs keep the template's clock and take `options.seed` (or a fixed one).
 */
export function createVm(machine: Machine, image: ImageFs, options: VmOptions = {}, host?: KernelHost): Vm {
  const { seed, epochSec, nsPerInstruction, ...shape } = options;
  const vm = restoreVm(bootedTemplate(machine, image, shape), machine, image, host);
  const { time, random } = vm.kernel;
  time.nsPerInstruction = nsPerInstruction ?? time.nsPerInstruction;
  if (seed !== undefined) mixRandom(random, seed);
  if (epochSec !== undefined) time.realtimeOffset = { sec: epochSec, nsec: 0 };
  return vm;
}
