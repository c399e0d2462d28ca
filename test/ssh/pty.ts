/**
 * A program of this machine on a terminal, as a person has it. Always true: waits end when the text appears or fail with what was printed
 * instead; nothing sleeps for a fixed time. The terminal is made by script(1), whose size is set through it.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';

const TIMEOUT_MS = 30_000;
/** Colours, titles and modes. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they begin with one
const ESCAPES = /\x1b(\[[0-9;?]*[a-zA-Z]|\][^\x07]*\x07)/g;
const quote = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

export class Pty {
  text = '';
  readonly exit: Promise<number>;
  readonly #child: ChildProcess;
  #listeners = new Set<() => void>();
  #ended = false;

  constructor(
    program: string,
    args: readonly string[],
    size: { rows: number; cols: number } = { rows: 24, cols: 80 },
  ) {
    const command = `stty rows ${size.rows} cols ${size.cols}; exec ${[program, ...args].map(quote).join(' ')}`;
    this.#child = spawn('script', ['-q', '-e', '-c', command, '/dev/null'], {
      env: {
        ...process.env,
        SHELL: '/bin/bash',
        TERM: 'xterm-256color',
        SSH_AUTH_SOCK: undefined,
        LC_ALL: 'C',
      },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#child.stdout?.on('data', (bytes: Buffer) => {
      this.text += bytes.toString('utf8').replaceAll(ESCAPES, '');
      for (const listener of this.#listeners) listener();
    });
    this.#child.stdin?.on('error', () => undefined);
    this.exit = new Promise((resolve) => {
      this.#child.on('close', (code, signal) => {
        this.#ended = true;
        for (const listener of this.#listeners) listener();
        resolve(code ?? (signal ? 128 : -1));
      });
    });
  }

  /** Waits until the text after `from` has what is wanted. */
  until(wanted: string | RegExp, from = 0): Promise<void> {
    const there = (): boolean => {
      const text = this.text.slice(from);
      return typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text);
    };
    return new Promise((resolve, reject) => {
      const finish = (error?: Error): void => {
        clearTimeout(timer);
        this.#listeners.delete(check);
        if (error) reject(error);
        else resolve();
      };
      const check = (): void => {
        if (there()) finish();
        else if (this.#ended) finish(new Error(`ended before ${wanted} came:\n${this.text}`));
      };
      const timer = setTimeout(
        () => finish(new Error(`waited in vain for ${wanted}:\n${this.text}`)),
        TIMEOUT_MS,
      );
      this.#listeners.add(check);
      check();
    });
  }

  /** Types, and waits for what comes of it. */
  async type(keys: string, wanted?: string | RegExp): Promise<void> {
    const from = this.text.length;
    this.#child.stdin?.write(keys);
    if (wanted !== undefined) await this.until(wanted, from);
  }

  /** The window is resized: its program hears of it by SIGWINCH. */
  resize(rows: number, cols: number): void {
    const tty = spawnSync('ps', ['-o', 'tty=', '--ppid', String(this.#child.pid)], { encoding: 'utf8' });
    const name = tty.stdout.trim().split('\n')[0];
    spawnSync('stty', ['-F', `/dev/${name}`, 'rows', String(rows), 'cols', String(cols)]);
  }

  /** Kills the program itself, not only the terminal around it. */
  kill(signal: NodeJS.Signals): void {
    spawnSync('pkill', ['-KILL', '-P', String(this.#child.pid)]);
    this.#child.kill(signal);
  }
}
