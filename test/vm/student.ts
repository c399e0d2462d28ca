/**
 * The fixture of all tests at the outside: a booted VM in milliseconds, and a person in front of it. Everything is deterministic:
 * time is derived from instructions and no test sleeps; a wait that does not come true within a budget fails with the screen.
 */
import xterm from '@xterm/headless';
import { createMachine, type Machine } from '../../src/cpu/index.ts';
import type { Image } from '../../src/image/index.ts';
import {
  closeInput,
  createVm,
  exitStatusOf,
  forgetProcess,
  openProvisionedImage,
  readOutput,
  rebootVm,
  resizeTerminal,
  runToPrompt,
  runVm,
  spawnProcess,
  type Vm,
  type VmOptions,
  writeInput,
} from '../../src/vm/index.ts';

const SLICE = 1_000_000;
/** Ten virtual minutes at 10 ns an instruction; idle time is jumped over and costs nothing. */
const DEFAULT_BUDGET = 20e9;

let shared: Promise<{ machine: Machine; image: Image }> | undefined;

/** The machine and image that all VMs of a test file share. */
export const workbench = (): Promise<{ machine: Machine; image: Image }> => {
  shared ??= Promise.all([createMachine(), openProvisionedImage()]).then(([machine, image]) => ({
    machine,
    image,
  }));
  return shared;
};

/** What a command came to. */
export interface Result {
  stdout: string;
  stderr: string;
  /** Exit code, or 128 + n for signal n. */
  status: number;
}

/** A freshly booted VM of its own. */
export async function student(options: VmOptions = {}): Promise<Student> {
  const { machine, image } = await workbench();
  return new Student(createVm(machine, image, options));
}

export class Student {
  readonly vm: Vm;
  constructor(vm: Vm) {
    this.vm = vm;
  }

  /** Runs `command` with bash as `user` until it ends; throws when the budget is spent first. */
  sh(
    command: string,
    options: {
      user?: string;
      input?: string | Uint8Array;
      cwd?: string;
      budget?: number;
      env?: Record<string, string>;
    } = {},
  ): Result {
    const pid = spawnProcess(this.vm, {
      argv: ['/bin/bash', '-c', command],
      user: options.user ?? 'root',
      cwd: options.cwd,
      env: options.env,
    });
    let input: Uint8Array =
      typeof options.input === 'string' ? Buffer.from(options.input) : (options.input ?? new Uint8Array(0));
    const out: Uint8Array[] = [];
    const err: Uint8Array[] = [];
    let open = true;
    const pump = (): void => {
      if (open) {
        input = input.subarray(writeInput(this.vm, pid, input));
        if (input.length === 0) {
          closeInput(this.vm, pid);
          open = false;
        }
      }
      for (const [stream, chunks] of [
        ['stdout', out],
        ['stderr', err],
      ] as const)
        for (;;) {
          const bytes = readOutput(this.vm, pid, stream);
          if (bytes.length === 0) break;
          chunks.push(bytes);
        }
    };
    const text = (chunks: Uint8Array[]): string => Buffer.concat(chunks).toString('utf8');
    for (let spent = 0; exitStatusOf(this.vm, pid) === null; ) {
      pump();
      const slice = runVm(this.vm, SLICE, Number.POSITIVE_INFINITY, 1);
      spent += slice.retired + 1000;
      if (slice.state === 'halted') throw new Error(`the VM halted: ${this.vm.kernel.halted?.text}`);
      if (spent > (options.budget ?? DEFAULT_BUDGET))
        throw new Error(`budget spent in: ${command}\n${text(out)}\n${text(err)}`);
    }
    pump();
    const { exitCode, signal } = exitStatusOf(this.vm, pid)!;
    forgetProcess(this.vm, pid);
    return { stdout: text(out), stderr: text(err), status: exitCode ?? 128 + signal! };
  }

  /** The output of a command that must succeed and say nothing on stderr. */
  out(command: string, options: Parameters<Student['sh']>[1] = {}): string {
    const { stdout, stderr, status } = this.sh(command, options);
    if (status !== 0 || stderr !== '')
      throw new Error(`${command}: status ${status}\n${stdout}\n--- stderr\n${stderr}`);
    return stdout;
  }

  /** Restarts the machine as its own `reboot` does, and waits for the next login prompt. */
  reboot(): void {
    spawnProcess(this.vm, { argv: ['/sbin/reboot'] });
    for (let spent = 0; this.vm.kernel.halted === null; spent += SLICE) {
      runVm(this.vm, SLICE, Number.POSITIVE_INFINITY, 1);
      if (spent > DEFAULT_BUDGET) throw new Error('the machine does not shut down');
    }
    if (this.vm.kernel.halted.reason !== 'restart') throw new Error(this.vm.kernel.halted.text);
    rebootVm(this.vm);
    runToPrompt(this.vm);
  }

  /** A terminal of its own with a login shell (or `argv`) in it. */
  terminal(options: { argv?: string[]; user?: string; rows?: number; cols?: number } = {}): Screen {
    return new Screen(this.vm, options);
  }
}

/** A person at a terminal: types keys, reads the screen. */
export class Screen {
  readonly pid: number;
  readonly #vm: Vm;
  readonly #xterm: xterm.Terminal;
  /** Everything the terminal was sent, as it was. */
  transcript = '';

  constructor(vm: Vm, options: { argv?: string[]; user?: string; rows?: number; cols?: number }) {
    const rows = options.rows ?? 24;
    const cols = options.cols ?? 80;
    this.#vm = vm;
    this.#xterm = new xterm.Terminal({ rows, cols, allowProposedApi: true, scrollback: 1000 });
    // Answers of the terminal itself (cursor position reports) go back to the program.
    this.#xterm.onData((data) => writeInput(vm, this.pid, Buffer.from(data)));
    this.pid = spawnProcess(vm, {
      argv: options.argv ?? ['/bin/bash', '-l'],
      user: options.user ?? 'student',
      terminal: { rows, cols },
    });
  }

  /** Runs the VM once and shows what it printed; answers whether it still has something to do now. */
  async #step(skipIdleNs: number): Promise<'busy' | 'idle' | 'halted' | 'sync'> {
    const { state } = runVm(this.#vm, SLICE, skipIdleNs, 1);
    for (;;) {
      const bytes = readOutput(this.#vm, this.pid, 'stdout');
      if (bytes.length === 0) break;
      this.transcript += Buffer.from(bytes).toString('latin1');
      await new Promise<void>((resolve) => this.#xterm.write(bytes, resolve));
    }
    return state;
  }

  /** Types; the bytes go in as fast as the terminal takes them. */
  async type(keys: string | Uint8Array): Promise<void> {
    let bytes: Uint8Array = typeof keys === 'string' ? Buffer.from(keys, 'utf8') : keys;
    for (let tries = 0; bytes.length > 0; tries++) {
      bytes = bytes.subarray(writeInput(this.#vm, this.pid, bytes));
      if (bytes.length > 0) await this.#step(0);
      if (tries > 10_000) throw new Error(`the terminal takes no input\n${this.screen()}`);
    }
  }

  /** The visible lines, without trailing blanks. */
  screen(): string {
    const buffer = this.#xterm.buffer.active;
    const lines: string[] = [];
    for (let row = 0; row < this.#xterm.rows; row++)
      lines.push(buffer.getLine(buffer.baseY + row)?.translateToString(true) ?? '');
    return lines.join('\n').trimEnd();
  }

  /** Scrollback and screen. */
  history(): string {
    const buffer = this.#xterm.buffer.active;
    const lines: string[] = [];
    for (let row = 0; row < buffer.length; row++)
      lines.push(buffer.getLine(row)?.translateToString(true) ?? '');
    return lines.join('\n').trimEnd();
  }

  /** Runs until the screen shows `wanted`, or fails with what it shows instead. */
  async until(wanted: string | RegExp, budget = 4e9): Promise<string> {
    for (let spent = 0; ; spent += SLICE) {
      const text = this.screen();
      if (typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text)) return text;
      const state = await this.#step(Number.POSITIVE_INFINITY);
      if (spent > budget || state === 'halted')
        throw new Error(`waited in vain for ${wanted} (${state}); the screen shows:\n${this.screen()}`);
    }
  }

  /** Runs until the VM has nothing to do but wait, and answers the screen. */
  async settle(budget = 4e9): Promise<string> {
    for (let spent = 0; spent < budget; spent += SLICE) if ((await this.#step(0)) !== 'busy') break;
    return this.screen();
  }

  /** Types, waits until the VM has nothing left to do, and answers the screen. */
  async press(keys: string | Uint8Array): Promise<string> {
    await this.type(keys);
    return this.settle();
  }

  resize(rows: number, cols: number): void {
    this.#xterm.resize(cols, rows);
    resizeTerminal(this.#vm, this.pid, { rows, cols });
  }
}
