/**
 * From nothing to the first instruction of init: makes every room's state and brings the subsystems up in Linux's order
 * (init/main.c): the log first, so that everything may speak; memory, files, devices, terminals; then process 1.
 */
import './index.ts';
import { createDriversRoom, initDrivers } from './drivers/index.ts';
import { createRandom } from './drivers/random.ts';
import type { Disk } from './fs/disk.ts';
import { createFsRoom, initFs } from './fs/index.ts';
import { initKmemleak } from './kapi/kmemleak.ts';
import { createTaskingRoom } from './kapi/tasking.ts';
import type { Kernel, KernelIdentity, KernelState, Quotas } from './kernel.ts';
import { createMmRoom, initMm } from './mm/index.ts';
import { createModuleRoom } from './module/index.ts';
import { createNetRoom, initNet } from './net/index.ts';
import { createPanicRoom, initPanic } from './panic/index.ts';
import { bootMessages, createPrintkRoom, initPrintk } from './printk/index.ts';
import { createSchedRoom, createTaskRoom } from './task/create.ts';
import { startKthreads } from './task/kthreads.ts';
import { startInit } from './task/spawn.ts';
import { createTimeRoom } from './time/index.ts';
import { createTtyRoom, initTty } from './tty/index.ts';

/** The inputs of a boot: the same ones give the same VM, bit for bit. */
export interface BootOptions {
  identity: KernelIdentity;
  quotas: Quotas;
  seed: Uint8Array;
  /** Wall clock at boot, seconds since the epoch. */
  epochSec: number;
  /** See TimeRoom.nsPerInstruction. */
  nsPerInstruction: number;
  /** The programs tried as init, in order, as Linux does without `init=`. */
  init?: readonly string[];
  /** The disk of the kernel that ran before; default: the image as it is. */
  disk?: Disk;
}

type Handles = Pick<Kernel, 'machine' | 'guest' | 'hart' | 'image' | 'host'> &
  Partial<Pick<Kernel, 'changes'>>;

function createState(options: BootOptions): KernelState {
  return {
    identity: options.identity,
    quotas: options.quotas,
    hostname: '(none)',
    domainname: '(none)',
    sysctl: {},
    random: createRandom(options.seed),
    taint: 0,
    halted: null,
    unsupported: new Map(),
    sched: createSchedRoom(),
    task: createTaskRoom(),
    mm: createMmRoom(),
    fs: createFsRoom(options.quotas.maxOpenFiles),
    drivers: createDriversRoom(),
    tty: createTtyRoom(),
    printk: createPrintkRoom(),
    time: createTimeRoom({ sec: options.epochSec, nsec: 0 }, options.nsPerInstruction),
    net: createNetRoom(),
    module: createModuleRoom(),
    panic: createPanicRoom(),
    tasking: createTaskingRoom(),
  };
}

/** Boots a kernel on fresh guest memory up to the point where init will run its first instruction. */
export function bootKernel(handles: Handles, options: BootOptions): Kernel {
  const k: Kernel = { ...createState(options), changes: null, ...handles };
  initPrintk(k);
  initMm(k);
  initFs(k, options.disk);
  initPanic(k);
  initDrivers(k);
  initTty(k);
  initNet(k);
  bootMessages(k);
  initKmemleak(k);
  startInit(k, options.init ?? ['/sbin/init', '/etc/init', '/bin/init', '/bin/sh']);
  startKthreads(k);
  return k;
}
