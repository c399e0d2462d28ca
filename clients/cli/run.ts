/**
 * `oopsbox run`: a VM in this process, without a server. Either this terminal becomes the VM's console, or one command runs
 * with this process's stdin, stdout, stderr and exit status.
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { createMachine } from '../../src/cpu/index.ts';
import { showProgress } from '../../src/image/index.ts';
import {
  checkpointVm,
  closeInput,
  closeOutput,
  consoleRead,
  consoleResize,
  consoleWrite,
  createVm,
  exitStatusOf,
  KERNELS,
  loadCheckpoint,
  openProvisionedImage,
  readOutput,
  rebootVm,
  restoreVm,
  runVm,
  saveCheckpoint,
  spawnProcess,
  type Vm,
  writeInput,
} from '../../src/vm/index.ts';
import { UsageError } from './errors.ts';

interface RunOptions {
  command?: string;
  user?: string;
  kernel?: string;
  memoryMiB: number;
  append?: string;
  checkpoint?: string;
  deterministic: boolean;
}

/** Instructions between two looks at the outside: about 20 ms. */
const SLICE = 2_000_000;
/** The most output taken from the VM before the host's stream has to drain. */
const OUTPUT_CHUNK = 1 << 16;
const CTRL_RIGHT_BRACKET = 0x1d;

/** The options as commander hands them over: text. */
export type RunArguments = Partial<
  Record<'command' | 'user' | 'kernel' | 'memory' | 'append' | 'checkpoint', string>
> & {
  deterministic?: boolean;
};

function check(parsed: RunArguments): RunOptions {
  const memoryMiB = Number(parsed.memory ?? 512);
  if (!Number.isInteger(memoryMiB) || memoryMiB < 16 || memoryMiB > 3072)
    throw new UsageError(`--memory takes a whole number of MiB from 16 to 3072, not ${parsed.memory}`);
  if (parsed.kernel !== undefined && !(parsed.kernel in KERNELS))
    throw new UsageError(
      `there is no kernel ${parsed.kernel}; --kernel takes ${Object.keys(KERNELS).join(' or ')}`,
    );
  if (parsed.append !== undefined && !/^[\x20-\x7e]{0,512}$/.test(parsed.append))
    throw new UsageError('--append takes at most 512 printable characters');
  return { ...parsed, memoryMiB, deterministic: parsed.deterministic === true };
}

/** What is added to the kernel's command line: undefined for nothing. */
function commandLine({ command, user, append }: RunOptions): string | undefined {
  const login = command === undefined ? `oopsbox.autologin=${user ?? 'student'}` : undefined;
  return [append, login].filter(Boolean).join(' ') || undefined;
}

/** Resolves when something from outside may have changed what the VM can do. */
class Bell {
  #ring: (() => void) | null = null;
  #rung = false;
  ring(): void {
    this.#rung = true;
    this.#ring?.();
  }
  /** Waits for {@link ring}, at most `ms`. */
  async wait(ms: number): Promise<void> {
    if (!this.#rung && ms > 0) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.#ring = resolve;
        if (ms < 2 ** 31) timer = setTimeout(resolve, Math.max(1, ms));
      });
      clearTimeout(timer);
      this.#ring = null;
    }
    this.#rung = false;
  }
}

/** Copies a host stream into the VM piece by piece, never ahead of what the VM takes. */
class InputPump {
  #chunks: Uint8Array[] = [];
  #ended = false;
  #closed = false;
  readonly #stream: NodeJS.ReadStream;
  readonly #write: (bytes: Uint8Array) => number;
  readonly #close: () => void;

  constructor(
    stream: NodeJS.ReadStream,
    bell: Bell,
    write: (bytes: Uint8Array) => number,
    close: () => void,
    filter: (chunk: Uint8Array) => Uint8Array = (chunk) => chunk,
  ) {
    this.#stream = stream;
    this.#write = write;
    this.#close = close;
    stream.on('data', (chunk: Buffer) => {
      this.#chunks.push(filter(chunk));
      stream.pause();
      bell.ring();
    });
    const end = (): void => {
      this.#ended = true;
      bell.ring();
    };
    stream.on('end', end);
    stream.on('error', end);
  }

  /** Hands over what the VM takes; answers whether any byte moved. */
  pump(): boolean {
    let moved = false;
    while (this.#chunks.length > 0) {
      const chunk = this.#chunks[0];
      const taken = chunk.length === 0 ? 0 : this.#write(chunk);
      moved ||= taken > 0;
      if (taken < chunk.length) {
        this.#chunks[0] = chunk.subarray(taken);
        return moved;
      }
      this.#chunks.shift();
    }
    if (this.#ended && !this.#closed) {
      this.#closed = true;
      this.#close();
      return true;
    }
    if (!this.#ended) this.#stream.resume();
    return moved;
  }
}

/** Copies VM output to a host stream, and stops reading from the VM while the stream is full. */
class OutputPump {
  #full = false;
  #gone = false;
  readonly #stream: NodeJS.WriteStream;
  readonly #read: (max: number) => Uint8Array;

  constructor(stream: NodeJS.WriteStream, bell: Bell, read: (max: number) => Uint8Array, gone = () => {}) {
    this.#stream = stream;
    this.#read = read;
    stream.on('drain', () => {
      this.#full = false;
      bell.ring();
    });
    stream.on('error', () => {
      this.#gone = true;
      gone();
      bell.ring();
    });
  }

  pump(): boolean {
    let moved = false;
    while (!this.#full) {
      const bytes = this.#read(OUTPUT_CHUNK);
      if (bytes.length === 0) break;
      moved = true;
      if (!this.#gone) this.#full = !this.#stream.write(bytes);
    }
    return moved;
  }

  /** Takes what is left in the VM; resolves when it has left this process. */
  async finish(): Promise<void> {
    for (this.pump(); this.#full && !this.#gone; this.pump())
      await new Promise<void>((resolve) =>
        this.#stream.once('drain', resolve).once('error', () => resolve()),
      );
    if (!this.#gone) await new Promise<void>((resolve) => this.#stream.write('', () => resolve()));
  }
}

/** Runs the VM and moves bytes until `done` answers true or the VM halts. `quiet`: nothing moves or runs just now. */
async function drive(
  vm: Vm,
  bell: Bell,
  pumps: readonly { pump(): boolean }[],
  done: (quiet: boolean) => boolean,
): Promise<void> {
  for (;;) {
    const slice = runVm(vm, SLICE, Number.POSITIVE_INFINITY, 1);
    let moved = false;
    for (const pump of pumps) moved = pump.pump() || moved;
    if (done(slice.state === 'idle' && !moved) || slice.state === 'halted') return;
    if (slice.state === 'idle' && !moved) await bell.wait(slice.idleMs);
    else await new Promise(setImmediate);
  }
}

/** One command: pipes for its streams, its exit status as ours. */
async function runOne(vm: Vm, options: RunOptions): Promise<number> {
  const bell = new Bell();
  const pid = spawnProcess(vm, {
    argv: ['/bin/bash', '-c', options.command ?? ''],
    user: options.user ?? 'root',
  });
  const output = (name: 'stdout' | 'stderr'): OutputPump =>
    new OutputPump(
      process[name],
      bell,
      (max) => readOutput(vm, pid, name, max),
      () => closeOutput(vm, pid, name),
    );
  const stdout = output('stdout');
  const stderr = output('stderr');
  const stdin = new InputPump(
    process.stdin,
    bell,
    (bytes) => writeInput(vm, pid, bytes),
    () => closeInput(vm, pid),
  );
  await drive(vm, bell, [stdin, stdout, stderr], () => exitStatusOf(vm, pid) !== null);
  process.stdin.pause();
  await Promise.all([stdout.finish(), stderr.finish()]);
  const status = exitStatusOf(vm, pid);
  if (!status) {
    process.stderr.write(`oopsbox: the VM has stopped: ${vm.kernel.halted?.text ?? 'no reason given'}\n`);
    return 70;
  }
  return status.exitCode ?? 128 + (status.signal ?? 0);
}

/** This terminal on the VM's console, until Ctrl-] or the VM powers off. */
async function attach(vm: Vm): Promise<number> {
  const bell = new Bell();
  let left = false;
  /** Input from a pipe is over: what it typed is still carried out. */
  let ended = false;
  const size = (): void =>
    consoleResize(vm, { rows: process.stdout.rows ?? 24, cols: process.stdout.columns ?? 80 });
  size();
  process.stdout.on('resize', () => {
    size();
    bell.ring();
  });
  const stdin = new InputPump(
    process.stdin,
    bell,
    (bytes) => consoleWrite(vm, bytes),
    () => {
      ended = true;
    },
    (chunk) => {
      const leave = process.stdin.isTTY ? chunk.indexOf(CTRL_RIGHT_BRACKET) : -1;
      if (leave < 0) return chunk;
      left = true;
      return chunk.subarray(0, leave);
    },
  );
  const stdout = new OutputPump(process.stdout, bell, (max) => consoleRead(vm, max));
  if (process.stdin.isTTY) process.stdin.setRawMode(true);
  try {
    for (;;) {
      await drive(vm, bell, [stdin, stdout], (quiet) => left || (ended && quiet));
      await stdout.finish();
      if (left || vm.kernel.halted?.reason !== 'restart') break;
      rebootVm(vm);
      size();
    }
  } finally {
    if (process.stdin.isTTY) process.stdin.setRawMode(false);
    process.stdin.pause();
  }
  process.stdout.write('\r\n');
  return vm.kernel.halted?.reason === 'panic' ? 1 : 0;
}

/** Runs `oopsbox run` with the arguments after it; answers the exit status. */
export async function runCommand(given: RunArguments): Promise<number> {
  const options = check(given);
  const progress = showProgress();
  const image = await openProvisionedImage({ onProgress: progress.onProgress }).finally(progress.stop);
  const machine = await createMachine();
  const host = {
    unsupported: (what: string) =>
      void (process.env.OOPSBOX_DEBUG && process.stderr.write(`unsupported: ${what}\n`)),
  };
  const vm =
    options.checkpoint && existsSync(options.checkpoint)
      ? restoreVm(loadCheckpoint(options.checkpoint), machine, image, host)
      : createVm(
          machine,
          image,
          {
            release: options.kernel,
            memoryMiB: options.memoryMiB,
            cmdline: commandLine(options),
            ...(options.deterministic
              ? {}
              : { seed: randomBytes(32), epochSec: Math.floor(Date.now() / 1000), nsPerInstruction: 0 }),
          },
          host,
        );
  const status = options.command === undefined ? await attach(vm) : await runOne(vm, options);
  if (options.checkpoint) saveCheckpoint(options.checkpoint, checkpointVm(vm));
  return status;
}
