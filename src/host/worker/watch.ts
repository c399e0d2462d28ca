/**
 * What has happened in a machine, seen from outside after each of its turns. Always true: looking is cheap (counters first) and
 * changes nothing in the machine.
 */
import { readHostFile } from '../../kernel/fs/host.ts';
import type { Vm } from '../../vm/index.ts';
import type { VmEvent } from '../types.ts';

export interface Watched {
  modules: string[];
  reports: number;
  logins: Map<string, string>;
  loginsAtMs: number;
}

const moduleNames = (vm: Vm): string[] =>
  vm.kernel.module.modules.filter(({ state }) => state === 'live').map(({ name }) => name);

/** Beginning to watch: what is there now is no news. */
export const watch = (vm: Vm): Watched => ({
  modules: moduleNames(vm),
  reports: vm.kernel.panic.reports.length,
  logins: readLogins(vm),
  loginsAtMs: 0,
});

/** Reports that end with a task's death. */
const dies: ReadonlySet<string> = new Set(['oops', 'bug', 'stack overflow']);

type Tell = (kind: VmEvent['kind'], detail: VmEvent['detail']) => void;

/** Tells what is new since the last look. */
export function lookForEvents(vm: Vm, watched: Watched, nowMs: number, tell: Tell): void {
  const { module, panic } = vm.kernel;
  const count = module.modules.length;
  if (count !== watched.modules.length || count > 0) modules(vm, watched, tell);
  for (; watched.reports < panic.reports.length; watched.reports++) {
    const { kind, message, pid, comm, epc } = panic.reports[watched.reports];
    const event = kind === 'panic' ? 'panic' : dies.has(kind) ? 'oops' : 'warning';
    tell(event, { message, pid, comm, at: epc?.symbol ?? null, report: watched.reports });
  }
  watched.reports = Math.min(watched.reports, panic.reports.length);
  if (nowMs - watched.loginsAtMs < 500) return;
  watched.loginsAtMs = nowMs;
  const logins = readLogins(vm);
  for (const [line, who] of logins) {
    if (watched.logins.get(line) === who) continue;
    const [user, host] = who.split('\n');
    tell('login', { user, terminal: line, from: host || null });
  }
  watched.logins = logins;
}

function modules(vm: Vm, watched: Watched, tell: Tell): void {
  const names = moduleNames(vm);
  if (names.length === watched.modules.length && names.every((name, i) => watched.modules[i] === name))
    return;
  for (const name of names) if (!watched.modules.includes(name)) tell('module.loaded', { module: name });
  for (const name of watched.modules) if (!names.includes(name)) tell('module.unloaded', { module: name });
  watched.modules = names;
}

/** struct utmp of glibc on riscv64 (man 5 utmp): 384 bytes. */
const UTMP = { size: 384, line: 8, user: 44, host: 76, seconds: 340 } as const;
const USER_PROCESS = 7;

/** Who is logged in where, from /run/utmp: terminal line to user, host and time. */
function readLogins(vm: Vm): Map<string, string> {
  const logins = new Map<string, string>();
  const bytes = readHostFile(vm.kernel, '/run/utmp');
  if (typeof bytes === 'number') return logins;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = (at: number, max: number): string => {
    const field = bytes.subarray(at, at + max);
    const end = field.indexOf(0);
    return Buffer.from(end < 0 ? field : field.subarray(0, end)).toString('utf8');
  };
  for (let at = 0; at + UTMP.size <= Math.min(bytes.length, 64 * UTMP.size); at += UTMP.size)
    if (view.getInt16(at, true) === USER_PROCESS)
      logins.set(
        text(at + UTMP.line, 32),
        `${text(at + UTMP.user, 32)}\n${text(at + UTMP.host, 256)}\n${view.getInt32(at + UTMP.seconds, true)}`,
      );
  return logins;
}
