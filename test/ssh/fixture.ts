/**
 * A lab with its front door, and Debian's own OpenSSH programs in front of it. Always true: everything lives in a folder of its own with
 * a known_hosts of its own; programs that hang are killed and fail the test.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Host, openHost } from '../../src/host/index.ts';
import {
  type CourseSettings,
  type Lab,
  openLab,
  type Principal,
  type VmRecord,
} from '../../src/lab/index.ts';
import { openSsh, type SshFrontDoor, type SshLimits } from '../../src/server/ssh/index.ts';

const TIMEOUT_MS = 60_000;

/** How a program ended and what it printed. */
export interface Ran {
  stdout: string;
  stderr: string;
  status: number | null;
  signal: NodeJS.Signals | null;
}

export interface RunOptions {
  input?: string | Uint8Array;
  timeoutMs?: number;
  cwd?: string;
  env?: Record<string, string>;
}

/** Runs a program of this machine. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = start(program, args, options);
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout?.on('data', (bytes: Buffer) => out.push(bytes));
    child.stderr?.on('data', (bytes: Buffer) => err.push(bytes));
    const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? TIMEOUT_MS);
    child.on('error', reject);
    child.on('close', (status, signal) => {
      clearTimeout(timer);
      const text = (parts: Buffer[]): string => Buffer.concat(parts).toString('utf8');
      resolve({ stdout: text(out), stderr: text(err), status, signal });
    });
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(options.input ?? '');
  });
}

export const start = (program: string, args: readonly string[], options: RunOptions = {}): ChildProcess =>
  spawn(program, args, {
    cwd: options.cwd,
    env: { ...process.env, SSH_AUTH_SOCK: undefined, LC_ALL: 'C', ...options.env },
    stdio: 'pipe',
  });

export class SshLabFixture {
  readonly folder: string;
  readonly host: Host;
  readonly lab: Lab;
  readonly door: SshFrontDoor;
  readonly vm: VmRecord;
  readonly principal: Principal;
  /** Registered with the lab. */
  readonly key: string;
  /** Known to nobody. */
  readonly strangerKey: string;

  constructor(
    parts: Pick<
      SshLabFixture,
      'folder' | 'host' | 'lab' | 'door' | 'vm' | 'principal' | 'key' | 'strangerKey'
    >,
  ) {
    this.folder = parts.folder;
    this.host = parts.host;
    this.lab = parts.lab;
    this.door = parts.door;
    this.vm = parts.vm;
    this.principal = parts.principal;
    this.key = parts.key;
    this.strangerKey = parts.strangerKey;
  }

  get port(): number {
    return this.door.port;
  }

  /** Options that make the OpenSSH programs forget this machine's own configuration. */
  options(extra: readonly string[] = []): string[] {
    return [
      ...extra,
      ...['-F', 'none', '-o', `UserKnownHostsFile=${this.folder}/known_hosts`],
      ...['-o', 'GlobalKnownHostsFile=none', '-o', 'StrictHostKeyChecking=accept-new'],
      ...['-o', 'IdentitiesOnly=yes', '-o', 'BatchMode=yes', '-o', 'ConnectTimeout=30'],
    ];
  }

  /** Arguments of `ssh` for an account of a machine. */
  to(
    command: readonly string[],
    how: { vm?: VmRecord; user?: string; key?: string; extra?: string[] } = {},
  ): string[] {
    const { vm = this.vm, user = 'student', key = this.key, extra = [] } = how;
    return [
      ...this.options(extra),
      ...['-i', key, '-p', String(this.port), `${user}@${vm.address}`],
      ...command,
    ];
  }

  /** Runs a command over ssh. */
  ssh(command: string, how: Parameters<SshLabFixture['to']>[1] & RunOptions = {}): Promise<Ran> {
    return run('ssh', this.to([command], how), how);
  }

  /** The output of a command that must succeed and say nothing on stderr. */
  async out(command: string, how: Parameters<SshLabFixture['ssh']>[1] = {}): Promise<string> {
    const { stdout, stderr, status } = await this.ssh(command, how);
    const said = stderr.replace(/^Warning: Permanently added.*\r?\n/m, '');
    if (status !== 0 || said !== '') throw new Error(`${command}: status ${status}\n${stdout}\n${stderr}`);
    return stdout;
  }

  /** Runs a shell command in the machine, past ssh. */
  async inside(command: string, user = 'root', vm = this.vm): Promise<string> {
    const { stdout, stderr, exitCode } = await this.host.exec(vm.id, {
      argv: ['/bin/bash', '-c', command],
      user,
      budget: { instructions: 50e9, virtualSeconds: 600, outputBytes: 1e6 },
    });
    if (exitCode !== 0)
      throw new Error(`${command}: ${exitCode}\n${Buffer.from(stdout)}\n${Buffer.from(stderr)}`);
    return Buffer.from(stdout).toString('utf8');
  }

  authLog(vm = this.vm): Promise<string> {
    return this.inside('cat /var/log/auth.log', 'root', vm);
  }

  /** Waits until auth.log has a line like this: what a connection's end says comes after its program is gone. */
  async logged(line: RegExp | string, vm = this.vm): Promise<void> {
    const deadline = Date.now() + 10_000;
    for (;;) {
      const log = await this.authLog(vm);
      if (typeof line === 'string' ? log.includes(line) : line.test(log)) return;
      if (Date.now() > deadline) throw new Error(`auth.log never said ${line}:\n${log}`);
    }
  }

  publicKey(file = this.key): string {
    return readFileSync(`${file}.pub`, 'utf8').trim();
  }

  /** A file here, of this folder. */
  file(name: string, content?: string | Uint8Array): string {
    const path = join(this.folder, name);
    if (content !== undefined) writeFileSync(path, content);
    return path;
  }

  async close(): Promise<void> {
    await this.door.close();
    await this.lab.close();
    await this.host.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A lab with one course, its student and a machine `anil-vm`. */
export async function sshLab(
  options: { limits?: Partial<SshLimits>; settings?: Partial<CourseSettings>; workers?: number } = {},
): Promise<SshLabFixture> {
  const folder = mkdtempSync(join(tmpdir(), 'oopsbox-ssh-'));
  const log = (level: string, message: string, fields?: object): void => {
    if (level !== 'info') process.stderr.write(`${level}: ${message} ${JSON.stringify(fields ?? {})}\n`);
  };
  const host = await openHost({ dataFolder: join(folder, 'host'), workers: options.workers ?? 1, log });
  const lab = await openLab({ dataFolder: join(folder, 'lab'), host, log });
  const [key, strangerKey] = ['registered', 'stranger'].map((name) => {
    const path = join(folder, name);
    spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', path]);
    return path;
  });
  const course = await lab.courses.create({
    slug: 'os-2026',
    title: 'Operating systems',
    settings: { studentsMayCreate: true, vmsPerPerson: 20, ...options.settings },
  });
  const publicKey = readFileSync(`${key}.pub`, 'utf8').trim();
  const member = await lab.members.add(course.id, {
    login: 'anil',
    name: 'Anil',
    role: 'student',
    publicKey,
  });
  const principal = await lab.auth.principalOf(member.person.id);
  const door = await openSsh({
    host,
    lab,
    bindHost: '127.0.0.1',
    port: 0,
    dataFolder: folder,
    limits: options.limits,
    log,
  });
  const made = await lab.vms.create(principal, { course: course.id, name: 'anil-vm' });
  const vm = await lab.vms.get(made.id);
  return new SshLabFixture({ folder, host, lab, door, vm, principal, key, strangerKey });
}
