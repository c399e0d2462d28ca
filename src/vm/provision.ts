/**
 * Provisioning: boots a VM from the base image, runs a script in it as root and answers what it changed, so that the image
 * room can seal an image that has been configured by its own programs.
 */
import { createMachine } from '../cpu/index.ts';
import {
  type BuildOptions,
  ensureImage,
  type GuestChange,
  type Image,
  openImage,
  setProvisioner,
} from '../image/index.ts';
import { changedPaths } from '../kernel/fs/host.ts';
import { closeInput, exitStatusOf, readOutput, spawnProcess } from './process.ts';
import { bootVm, runVm } from './vm.ts';

const SLICE = 2e7;
const BOOT_BUDGET = 4e9;
const SCRIPT_BUDGET = 60e9;

async function runInVm(
  imagePath: string,
  script: string,
): Promise<{ status: number; output: string; changes: GuestChange[] }> {
  const image = openImage(imagePath);
  try {
    const machine = await createMachine();
    const vm = bootVm(machine, image);
    for (let spent = 0; spent < BOOT_BUDGET; ) {
      const slice = runVm(vm, SLICE, 1e9);
      spent += slice.retired;
      if (slice.state !== 'busy') break;
    }
    const pid = spawnProcess(vm, { argv: ['/bin/sh', '-c', script] });
    closeInput(vm, pid);
    let output = '';
    for (let spent = 0; spent < SCRIPT_BUDGET && exitStatusOf(vm, pid) === null; ) {
      const slice = runVm(vm, SLICE, Number.POSITIVE_INFINITY);
      spent += slice.retired;
      output += Buffer.from(readOutput(vm, pid, 'stdout')).toString();
      output += Buffer.from(readOutput(vm, pid, 'stderr')).toString();
      if (slice.state === 'halted') break;
      // Long work: let the progress bar and signals of this process have their turn.
      await new Promise(setImmediate);
    }
    const status = exitStatusOf(vm, pid)?.exitCode ?? 255;
    return { status, output, changes: changedPaths(vm.kernel) };
  } finally {
    image.close();
  }
}

/** Tells the image room that VMs can be run. */
export const provisionInVms = (): void => setProvisioner(runInVm);

/** The image of the present recipe, configured and open; built where it is missing. Throws an ImageError. */
export async function openProvisionedImage(options: BuildOptions = {}): Promise<Image> {
  provisionInVms();
  return openImage(await ensureImage(options));
}
