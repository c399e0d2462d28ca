/** A kernel without a machine: enough state for terminals, tasks and the log, to test rooms function by function. */

import { createDriversRoom, createRandom } from '../../src/kernel/drivers/index.ts';
import { createFsRoom } from '../../src/kernel/fs/index.ts';
import type { File } from '../../src/kernel/fs/types.ts';
import type { Kernel } from '../../src/kernel/kernel.ts';
import { kernelBuf } from '../../src/kernel/mm/uio.ts';
import type { Outcome } from '../../src/kernel/outcome.ts';
import { bytesOf, createPrintkRoom } from '../../src/kernel/printk/index.ts';
import { createSchedRoom, createTaskRoom, newTask } from '../../src/kernel/task/create.ts';
import { rootCred } from '../../src/kernel/task/cred.ts';
import type { Task } from '../../src/kernel/task/types.ts';
import { createTimeRoom } from '../../src/kernel/time/index.ts';
import { createTtyRoom, portOutput } from '../../src/kernel/tty/index.ts';
import { readTty } from '../../src/kernel/tty/read.ts';
import type { Tty } from '../../src/kernel/tty/types.ts';
import { writeTty } from '../../src/kernel/tty/write.ts';

/** A kernel whose rooms are new and whose console is silent. */
export function bareKernel(): Kernel {
  const k = {
    identity: {
      release: '4.15.0-33-generic',
      version: '#36',
      machine: 'riscv64',
      cmdline: 'console=ttyS0',
    },
    quotas: {
      memoryPages: 65536,
      maxTasks: 100,
      maxOpenFiles: 1000,
      diskBytes: 1 << 20,
    },
    random: createRandom(Uint8Array.of(1)),
    unsupported: new Map(),
    host: { unsupported: () => {} },
    sched: createSchedRoom(),
    task: createTaskRoom(),
    fs: createFsRoom(1000),
    drivers: createDriversRoom(),
    tty: createTtyRoom(),
    printk: createPrintkRoom(),
    time: createTimeRoom({ sec: 1_500_000_000, nsec: 0 }, 10),
  } as unknown as Kernel;
  k.printk.consoleEnabled = false;
  return k;
}

/** A process of its own session and group. */
export function bareTask(k: Kernel, parentPid = 0): Task {
  const made = newTask(k, {
    group: null,
    comm: 'test',
    mm: null,
    files: { users: 1, fds: [] },
    fs: null as never,
    cred: rootCred,
    parentPid,
  });
  if (typeof made === 'number') throw new Error(`no task: ${made}`);
  made.state = 'running';
  return made;
}

/** An open file of a terminal. */
export function ttyFile(tty: Tty, flags = 2): File {
  tty.opens++;
  return {
    kind: 'tty',
    flags,
    data: { tty, hangups: tty.hangups },
  } as unknown as File;
}

export const text = (bytes: Uint8Array): string => String.fromCharCode(...bytes);
export { bytesOf };

/** What a read of `size` bytes answers: its text, an errno, or 'waits'. */
export function read(k: Kernel, task: Task, file: File, size = 4096): string | number {
  const buf = kernelBuf(new Uint8Array(size));
  const outcome = readTty(k, task, file, buf);
  if (typeof outcome !== 'number') return 'waits';
  return outcome < 0 ? outcome : text((buf.kernel as Uint8Array).subarray(0, outcome));
}

export const write = (k: Kernel, task: Task, file: File, bytes: string): Outcome =>
  writeTty(k, task, file, kernelBuf(bytesOf(bytes)));

/** What the other end of a port sees. */
export const seen = (k: Kernel, tty: Tty): string => text(portOutput(k, tty, 1 << 20));
