/**
 * What belongs to a machine beside memory and disk: its terminals and the console's text, as bytes in the store. Always true: they are
 * saved before the memory they belong to, and taken up only together with it; the console's text survives a power cut.
 */
import { deserialize, serialize } from 'node:v8';
import {
  closeInput,
  consoleRead,
  consoleResize,
  consoleWrite,
  exitStatusOf,
  forgetProcess,
  readOutput,
  resizeTerminal,
  sessionBegun,
  writeInput,
} from '../../vm/index.ts';
import type { WorkerContext } from './context.ts';
import { processExit } from './process.ts';
import { CONSOLE, type Resident } from './resident.ts';
import { ByteRing } from './ring.ts';
import { type SavedTerminal, Terminal, type TerminalWire } from './terminal.ts';

/** Text of the console that is kept in the store. */
const STORED_CONSOLE_BYTES = 128 * 1024;

export interface SavedSessions {
  /** When the machine fell asleep, milliseconds since the epoch; 0: it did not. */
  sleptAtMs: number;
  /** Its host put it to sleep, unasked: time goes on for it. */
  unasked: boolean;
  /** When it wants to be woken, milliseconds since the epoch. */
  dueAtMs: number;
  console: Uint8Array;
  terminals: SavedTerminal[];
  nextTerminal: number;
}

/** Makes the console's terminal, where there is none. */
export function consoleTerminal(w: WorkerContext, r: Resident, saved?: SavedTerminal): Terminal {
  let terminal = r.terminals.get(CONSOLE);
  if (!terminal) {
    const start = {
      id: CONSOLE,
      pid: 0,
      user: 'root',
      size: saved?.size ?? { rows: 24, cols: 80 },
      createdSec: Math.floor(Date.now() / 1000),
    };
    terminal = new Terminal(w.send, start, saved);
    r.terminals.set(CONSOLE, terminal);
  }
  return terminal;
}

/** The machine's side of a terminal. Only while the machine is awake. */
export function wireOf(r: Resident, terminal: Terminal): TerminalWire | null {
  const { vm } = r;
  if (!vm) return null;
  const { pid, id } = terminal.start;
  if (id === CONSOLE)
    return {
      read: (max) => {
        const bytes = consoleRead(vm, max);
        r.consoleLog.append(bytes);
        return bytes;
      },
      write: (bytes) => consoleWrite(vm, bytes),
      resize: (size) => consoleResize(vm, size),
      exit: () => null,
      begun: () => true,
    };
  return {
    read: (max) => readOutput(vm, pid, 'stdout', max),
    write: (bytes) => writeInput(vm, pid, bytes),
    resize: (size) => resizeTerminal(vm, pid, size),
    exit: () => {
      const status = exitStatusOf(vm, pid);
      return status && processExit(status);
    },
    begun: () => sessionBegun(vm, pid),
  };
}

/** Cuts the wire of a terminal: its session gets SIGHUP. */
export function cutWire(r: Resident, terminal: Terminal): void {
  if (r.vm && !terminal.exit) closeInput(r.vm, terminal.start.pid);
}

export const saveSessions = (
  r: Resident,
  asleep: Pick<SavedSessions, 'sleptAtMs' | 'unasked' | 'dueAtMs'>,
): Uint8Array => {
  const from = Math.max(r.consoleLog.start, r.consoleLog.end - STORED_CONSOLE_BYTES);
  const saved: SavedSessions = {
    ...asleep,
    console: r.consoleLog.slice(from),
    terminals: asleep.sleptAtMs > 0 ? [...r.terminals.values()].map((terminal) => terminal.save()) : [],
    nextTerminal: r.nextTerminal,
  };
  return serialize(saved);
};

export function readSessions(bytes: Uint8Array): SavedSessions | null {
  if (bytes.length === 0) return null;
  try {
    return deserialize(bytes) as SavedSessions;
  } catch {
    return null;
  }
}

/** Takes up what was saved, into a resident that has nothing yet. */
export function loadSessions(
  w: WorkerContext,
  r: Resident,
  saved: SavedSessions,
  withTerminals: boolean,
): void {
  r.consoleLog = new ByteRing(r.consoleLog.maxBytes);
  r.consoleLog.append(saved.console);
  r.nextTerminal = saved.nextTerminal;
  if (!withTerminals) return;
  for (const terminal of saved.terminals)
    if (terminal.id === CONSOLE) consoleTerminal(w, r, terminal);
    else r.terminals.set(terminal.id, new Terminal(w.send, terminal, terminal));
}

/** Ends everything that went with a machine's memory: it was switched off. The console's wire stays. */
export function dropSessions(w: WorkerContext, r: Resident, message: string): void {
  const error = { code: 'closed', message } as const;
  for (const [id, terminal] of r.terminals) {
    if (id === CONSOLE) continue;
    if (!terminal.exit) terminal.lose(error);
    for (const [handle, name] of r.viewers) if (name === id) forgetHandle(w, r, handle);
    r.terminals.delete(id);
  }
  for (const handle of r.processes.keys()) {
    w.send(['lost', handle, error]);
    forgetHandle(w, r, handle);
  }
  r.processes.clear();
  for (const bridge of r.bridges.values()) {
    bridge.lose(error);
    forgetHandle(w, r, bridge.handle);
  }
  r.bridges.clear();
  if (r.vm) for (const exec of r.execs) exec.halted(r.vm);
  r.execs.clear();
}

export function forgetHandle(w: WorkerContext, r: Resident, handle: number): void {
  w.handles.delete(handle);
  r.viewers.delete(handle);
  w.send(['gone', handle]);
}

/** Closes the host's ends of processes that nobody here holds (after a fork, or a wake-up without its sessions). */
export function closeStrays(r: Resident): void {
  const { vm } = r;
  if (!vm) return;
  const held = new Set<number>();
  for (const { start } of r.terminals.values()) held.add(start.pid);
  for (const { pid } of r.processes.values()) held.add(pid);
  for (const pid of [...vm.kernel.task.spawned.keys()]) if (!held.has(pid)) forgetProcess(vm, pid);
}
