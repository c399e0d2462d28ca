/**
 * One machine: boot, run, and what the outside may do with it. A {@link Vm} is a kernel in a worker's machine plus the few facts
 * that say how its clock runs. Always true: everything that reaches the kernel from outside is an explicit input (bytes
 * for a terminal or pipe, the clock, the seed, a budget), so that the same inputs give the same VM.
 */
import type { Machine } from '../cpu/machine.ts';
import { bootKernel } from '../kernel/boot.ts';
import { randomBytes } from '../kernel/drivers/random.ts';
import { type Disk, ejectDisk } from '../kernel/fs/disk.ts';
import type { ImageFs } from '../kernel/fs/image.ts';
import { currentTime } from '../kernel/fs/inode.ts';
import type { Kernel, KernelHost, KernelIdentity } from '../kernel/kernel.ts';
import { run as runKernel } from '../kernel/task/engine.ts';
import { saveLoaded } from '../kernel/task/regs.ts';
import { type Checkpoint, restoreKernel, stateHash, takeCheckpoint } from './checkpoint.ts';

/** How a VM is made. */
export interface VmOptions {
  /** The release it reports; one of {@link KERNELS}. */
  release?: string;
  memoryMiB?: number;
  diskMiB?: number;
  maxTasks?: number;
  maxOpenFiles?: number;
  /** Seed of the entropy generator: any bytes. */
  seed?: Uint8Array;
  /** Wall clock at boot, seconds since the epoch; default: a day after the newest file of the image. */
  epochSec?: number;
  /** Deterministic mode: nanoseconds of virtual time for each instruction; 0: the wall clock. */
  nsPerInstruction?: number;
  /** Appended to the kernel's command line. */
  cmdline?: string;
  /** The disk it boots from, as the store loads it; default: the image as it is. */
  disk?: Disk;
}

export const DEFAULT_RELEASE = '4.15.0-33-generic';

/** The kernels a VM may claim to be: release and the version text of uname -v. */
export const KERNELS: Readonly<Record<string, string>> = {
  [DEFAULT_RELEASE]: '#36-Ubuntu SMP Wed Aug 15 16:00:05 UTC 2018',
  '6.12.107+deb13-riscv64': '#1 SMP Debian 6.12.107-1 (2026-08-29)',
};

const DAY = 86_400;
/** Most jumps over idle time in one call: a VM of timers alone must not hold its host. */
const MAX_JUMPS = 1000;

/** One instruction in deterministic mode takes 10 ns: a 100 MIPS machine. */
export const DETERMINISTIC_NS = 10;

export interface Vm {
  kernel: Kernel;
  /** Wall-clock mode: host monotonic nanoseconds that stand for the guest's boot. */
  bootHostNs: number;
}

const quietHost: KernelHost = { unsupported: () => {} };

const hostNowNs = (): number => performance.now() * 1e6;

/** What a kernel booted with these options calls itself. Throws a RangeError for an unknown release. */
export function identityOf(options: VmOptions): KernelIdentity {
  const release = options.release ?? DEFAULT_RELEASE;
  const version = KERNELS[release];
  if (!version)
    throw new RangeError(`no kernel ${release}; this image has ${Object.keys(KERNELS).join(' and ')}`);
  const cmdline = `BOOT_IMAGE=/boot/vmlinuz-${release} root=/dev/vda1 ro console=ttyS0${options.cmdline ? ` ${options.cmdline}` : ''}`;
  return { release, version, machine: 'riscv64', cmdline };
}

/** Boots a VM to the first instruction of init. Throws a RangeError for an unknown release. */
export function bootVm(machine: Machine, image: ImageFs, options: VmOptions = {}, host = quietHost): Vm {
  const memoryPages = (options.memoryMiB ?? 512) * 256;
  const kernel = bootKernel(
    { machine, guest: machine.createGuest(memoryPages), hart: machine.hart, image, host },
    {
      identity: identityOf(options),
      quotas: {
        memoryPages,
        maxTasks: options.maxTasks ?? 1024,
        maxOpenFiles: options.maxOpenFiles ?? 65536,
        diskBytes: (options.diskMiB ?? 1024) * 2 ** 20,
      },
      seed: options.seed ?? new TextEncoder().encode('oopsbox'),
      epochSec: options.epochSec ?? image.newestSec + DAY,
      nsPerInstruction: options.nsPerInstruction ?? DETERMINISTIC_NS,
      disk: options.disk,
    },
  );
  return { kernel, bootHostNs: hostNowNs() };
}

/**
 * Switches the machine off and on: a new kernel boots over the same disk; everything else, memory and processes, is gone. The
 * old kernel need not have halted (a power cut then).
 */
export function rebootVm(vm: Vm): void {
  const { machine, guest, hart, image, host, identity, quotas, time, unsupported, changes } = vm.kernel;
  const seed = randomBytes(vm.kernel, 32);
  const epochSec = currentTime(vm.kernel).sec;
  const disk = ejectDisk(vm.kernel);
  guest.destroy();
  vm.kernel = bootKernel(
    { machine, guest: machine.createGuest(quotas.memoryPages), hart, image, host, changes },
    { identity, quotas, seed, epochSec, nsPerInstruction: time.nsPerInstruction, disk },
  );
  vm.kernel.unsupported = unsupported;
  vm.bootHostNs = hostNowNs();
}

/** What a slice of running came to. */
export interface SliceResult {
  retired: number;
  /**
   * `sync`: a program asked for its data to be durable (fsync and its kin). Nothing of the VM has run since: whoever keeps its disk
   * makes it durable and runs it again. Only VMs whose disk a store keeps (`kernel.changes`) stop for it.
   */
  state: 'busy' | 'idle' | 'halted' | 'sync';
  /** When it is idle: how long until it next wants to run, in milliseconds; Infinity for "until there is input". */
  idleMs: number;
}

/**
 * Runs the kernel. An exception of our own code is a simulator bug: it stops this VM with a report of its own, and never reaches
 * whoever runs other VMs (DESIGN.md, law 4).
 */
function runGuarded(k: Kernel, budget: number): ReturnType<typeof runKernel> {
  try {
    return runKernel(k, budget);
  } catch (error) {
    k.halted = { reason: 'simulator bug', text: (error as Error).stack ?? String(error) };
    k.host.unsupported(`simulator bug: ${k.halted.text}`);
    return { retired: 0, state: 'halted' };
  }
}

/**
 * Runs the VM for at most `budget` instructions. A wall-clock VM first has its clock moved to now. The clock of a deterministic VM
 * stands still while it is idle, but jumps to what is due within `skipIdleNs`: Infinity for "I wait for something that will
 * happen", 0 for "stop when there is nothing to do". It jumps at most `maxJumps` times: who waits for one process looks after
 * each jump, so that time does not run on when the process has ended.
 */
export function runVm(vm: Vm, budget: number, skipIdleNs = 0, maxJumps = MAX_JUMPS): SliceResult {
  const k = vm.kernel;
  const wallClock = k.time.nsPerInstruction === 0;
  if (wallClock) k.time.nowNs = Math.max(k.time.nowNs, Math.floor(hostNowNs() - vm.bootHostNs));
  let retired = 0;
  for (let jumps = 0; ; jumps++) {
    const run = runGuarded(k, budget - retired);
    retired += run.retired;
    const waitNs = (k.time.heap[0]?.atNs ?? Number.POSITIVE_INFINITY) - k.time.nowNs;
    if (run.state === 'sync' && !k.changes) {
      jumps--;
      continue;
    }
    if (run.state !== 'idle') return { retired, state: run.state, idleMs: 0 };
    if (wallClock || waitNs > skipIdleNs || waitNs === Number.POSITIVE_INFINITY)
      return { retired, state: 'idle', idleMs: Math.max(0, waitNs / 1e6) };
    if (retired >= budget || jumps >= maxJumps) return { retired, state: 'busy', idleMs: 0 };
    k.time.nowNs += Math.max(0, waitNs);
  }
}

/** A checkpoint of the VM as it stands between two instructions. */
export function checkpointVm(vm: Vm): Checkpoint {
  saveLoaded(vm.kernel);
  return takeCheckpoint(vm.kernel);
}

/** A VM that goes on from a checkpoint, in any machine that has its image. Throws a CheckpointError. */
export function restoreVm(checkpoint: Checkpoint, machine: Machine, image: ImageFs, host = quietHost): Vm {
  const kernel = restoreKernel(checkpoint, machine, image, host);
  return { kernel, bootHostNs: hostNowNs() - kernel.time.nowNs };
}

/** A second VM in the same machine that goes on from where this one stands; frames are shared until written. */
export function forkVm(vm: Vm): Vm {
  const k = vm.kernel;
  saveLoaded(k);
  const { machine, guest, hart, image, host, changes, ...state } = k;
  const copy = structuredClone({ state, changes });
  const handles = { machine, guest: guest.fork(), hart, image, host, changes: copy.changes };
  const kernel = { ...copy.state, ...handles };
  return { kernel, bootHostNs: hostNowNs() - k.time.nowNs };
}

/** Gives the VM's memory back to its machine. */
export function destroyVm(vm: Vm): void {
  vm.kernel.guest.destroy();
}

/** Hash of the VM's whole state; equal for equal histories. */
export function hashVm(vm: Vm): string {
  saveLoaded(vm.kernel);
  return stateHash(vm.kernel);
}
