/**
 * The calls of the host, carried out. Always true: a call decodes, the rooms beside do; whatever the machine refuses becomes a
 * HostError with Linux's errno.
 */
import { signalNumber } from '../../kernel/signal/names.ts';
import {
  appendFile,
  errnoName,
  FileError,
  findUser,
  inspectModule,
  inspectPart,
  inspectProcess,
  listDirectory,
  makeDirectory,
  ProcessError,
  readFile,
  removeFile,
  signalProcess,
  spawnProcess,
  statFile,
  type Vm,
  writeFile,
} from '../../vm/index.ts';
import type { WorkerCalls, WrappedCalls } from '../calls.ts';
import { StoreError } from '../store-types.ts';
import {
  type ExecRequest,
  type ExecResult,
  HostError,
  type InspectPart,
  type TerminalInfo,
} from '../types.ts';
import { ownBytes, type PlainError, plainError } from '../wire.ts';
import { closeAll } from './close.ts';
import { Connection } from './connect.ts';
import { tell, type WorkerContext, wake } from './context.ts';
import { Exec } from './exec.ts';
import * as life from './life.ts';
import { commit } from './loop.ts';
import { measure } from './metrics.ts';
import * as power from './power.ts';
import { ProcessBridge } from './process.ts';
import * as residency from './residency.ts';
import { CONSOLE, type Resident } from './resident.ts';
import { consoleTerminal, cutWire, forgetHandle } from './sessions.ts';
import { SftpSession } from './sftp.ts';
import { Terminal } from './terminal.ts';
import { TreeReader, TreeWriter } from './tree.ts';

/** Calls as functions that may be async. */
export type Served = {
  [K in keyof WorkerCalls]: (
    ...args: Parameters<WorkerCalls[K]>
  ) => ReturnType<WorkerCalls[K]> | Promise<ReturnType<WorkerCalls[K]>>;
};

const MAX_TERMINALS = 64;

function asHostError(error: unknown): PlainError {
  if (error instanceof FileError) return { code: 'guest', message: error.message, errno: error.errno };
  if (error instanceof ProcessError)
    return error.errno === 0
      ? { code: 'no-such-user', message: error.message }
      : { code: 'guest', message: error.message, errno: errnoName(error.errno) };
  if (error instanceof StoreError) {
    const { code } = error;
    const known =
      code === 'exists' || code === 'no-such-vm' || code === 'no-such-snapshot' || code === 'closed';
    return { code: known ? code : 'wrong-state', message: error.message };
  }
  return plainError(error);
}

/** Every call with its answer wrapped. */
export function wrapped(served: Served): WrappedCalls {
  const out: Record<string, (...args: unknown[]) => Promise<unknown>> = {};
  for (const [name, call] of Object.entries(served))
    out[name] = async (...args) => {
      try {
        return { ok: await (call as (...args: unknown[]) => unknown)(...args) };
      } catch (error) {
        return { error: asHostError(error) };
      }
    };
  return out as unknown as WrappedCalls;
}

/** Throws when the machine's kernel has stopped: nothing can be started in it. */
function mustRun(r: Resident, vm: Vm): void {
  const { halted } = vm.kernel;
  if (halted)
    throw new HostError('wrong-state', `the kernel of ${r.id} has stopped (${halted.reason}); reboot it`);
}

export function serve(w: WorkerContext): Served {
  const at = (id: string): Resident => residency.residentOf(w, id);
  const use = residency.use;
  const status = async (
    r: Resident,
    work: Promise<unknown>,
  ): Promise<ReturnType<typeof residency.status>> => {
    await work;
    return residency.status(w, r);
  };
  /** A change of the disk that is durable when it answers. */
  const change = <T>(id: string, work: (vm: Vm) => T): Promise<T> => {
    const r = at(id);
    return use(w, r, async (vm) => {
      const result = work(vm);
      await commit(w, r, vm);
      return result;
    });
  };
  const look = <T>(id: string, work: (vm: Vm) => T): Promise<T> => use(w, at(id), work);
  const terminalOf = (r: Resident, id: string): Terminal => {
    const terminal = id === CONSOLE ? consoleTerminal(w, r) : r.terminals.get(id);
    if (!terminal) throw new HostError('no-such-terminal', `${r.id} has no terminal ${id}`);
    return terminal;
  };

  return {
    create: (spec) => life.create(w, spec).then((r) => residency.status(w, r)),
    status: (id) => residency.status(w, at(id)),
    start: (id) => status(at(id), power.start(w, at(id))),
    stop: (id, how) => status(at(id), power.stop(w, at(id), how)),
    reboot: (id, how) => status(at(id), power.reboot(w, at(id), how)),
    rebuild: (id, changes) => status(at(id), life.rebuild(w, at(id), changes)),
    fork: (id, spec) => life.fork(w, at(id), spec).then((r) => residency.status(w, r)),
    update: (id, changes) => status(at(id), life.update(w, at(id), changes)),
    suspend: (id) => status(at(id), residency.suspend(w, at(id))),
    remove: (id) => life.remove(w, at(id)),
    snapshot: (id, snapshotId) => life.snapshot(w, at(id), snapshotId),
    restore: (id, snapshotId) => status(at(id), life.restore(w, at(id), snapshotId)),
    removeSnapshot: (id, snapshotId) => w.store.removeSnapshot(id, snapshotId),

    spawn: (id, handle, command) => {
      const r = at(id);
      return use(w, r, (vm) => {
        mustRun(r, vm);
        const pid = spawnProcess(vm, command);
        r.processes.set(handle, new ProcessBridge(w.send, handle, pid));
        w.handles.set(handle, r);
        return { pid };
      });
    },
    signal: (id, handle, name) => {
      const r = at(id);
      const signo = signalNumber(name);
      if (signo === undefined) throw new HostError('bad-spec', `there is no signal ${name}`);
      return use(w, r, (vm) => {
        const terminalId = r.viewers.get(handle);
        const pid = terminalId ? r.terminals.get(terminalId)?.start.pid : r.processes.get(handle)?.pid;
        if (pid) signalProcess(vm, pid, signo);
      });
    },
    exec: (id, request) => exec(w, at(id), request),

    openTerminal: (id, request) => {
      const r = at(id);
      return use(w, r, (vm) => {
        mustRun(r, vm);
        return openTerminal(w, r, vm, request);
      });
    },
    terminals: (id) => [...at(id).terminals.values()].map((terminal) => terminal.info()),
    attach: async (id, terminalId, handle, options) => {
      const r = at(id);
      // Who only looks at a terminal does not wake the machine.
      if (r.record.power === 'on' && !r.vm && !r.asleep) await residency.ready(w, r, false);
      const terminal = terminalOf(r, terminalId);
      const { screen, offset } = terminal.attach(handle, options);
      r.viewers.set(handle, terminalId);
      w.handles.set(handle, r);
      if (r.vm) wake(w, r);
      return { terminal: terminal.info(), screen, offset };
    },
    hangup: (id, terminalId) => {
      const r = at(id);
      const terminal = terminalOf(r, terminalId);
      if (terminalId === CONSOLE) throw new HostError('bad-spec', 'the console cannot be hung up');
      return use(w, r, () => cutWire(r, terminal));
    },
    consoleLog: (id) => {
      const { consoleLog } = at(id);
      return ownBytes(consoleLog.slice(consoleLog.start));
    },

    stat: (id, path) => look(id, (vm) => statFile(vm, path)),
    readFile: (id, path) => look(id, (vm) => ownBytes(readFile(vm, path))),
    writeFile: (id, path, content, attributes) =>
      change(id, (vm) => writeFile(vm, path, content, attributes)),
    appendFile: (id, path, content, attributes) =>
      change(id, (vm) => appendFile(vm, path, content, attributes)),
    removeFile: (id, path, recursive) => change(id, (vm) => removeFile(vm, path, recursive)),
    listDirectory: (id, path) => look(id, (vm) => listDirectory(vm, path)),
    makeDirectory: (id, path, attributes) => change(id, (vm) => makeDirectory(vm, path, attributes)),
    readTree: async (id, handle, path) => {
      const r = at(id);
      const reader = new TreeReader(w.send, handle);
      await use(w, r, (vm) => void statFile(vm, path, true));
      r.bridges.set(handle, reader);
      w.handles.set(handle, r);
      void use(w, r, () => reader.run(() => awake(r), path)).catch((error: unknown) => {
        reader.lose(asHostError(error));
      });
    },
    writeTree: async (id, handle, path, attributes = {}) => {
      const r = at(id);
      const writer = new TreeWriter(w.send, handle);
      r.bridges.set(handle, writer);
      w.handles.set(handle, r);
      try {
        return await use(w, r, async (vm) => {
          const done = await writer.run(() => awake(r), path, attributes);
          await commit(w, r, vm);
          return done;
        });
      } finally {
        r.bridges.delete(handle);
        forgetHandle(w, r, handle);
      }
    },
    sftp: (id, handle, user) => {
      const r = at(id);
      return use(w, r, (vm) => {
        mustRun(r, vm);
        r.bridges.set(handle, new SftpSession(w.send, handle, vm, user));
        w.handles.set(handle, r);
      });
    },
    connect: (id, handle, port) => {
      const r = at(id);
      return use(w, r, (vm) => {
        mustRun(r, vm);
        r.bridges.set(handle, new Connection(w.send, handle, vm, port));
        w.handles.set(handle, r);
      });
    },

    inspect: (id, part, key) => use(w, at(id), (vm) => inspect(vm, part, key), false),
    sync: (id) => {
      const r = at(id);
      // What sleeps or is switched off is on the disk.
      return r.vm ? change(id, () => {}) : undefined;
    },
    findUser: (id, name) =>
      look(id, (vm) => {
        const user = findUser(vm.kernel, name);
        return user && { name, uid: user.uid, gid: user.gid, home: user.home, shell: user.shell };
      }),
    metrics: () => measure(w),
    close: () => closeAll(w),
  };
}

function awake(r: Resident): Vm {
  if (!r.vm) throw new HostError('closed', `${r.id} was switched off`);
  return r.vm;
}

/** Carries a command out. Those of one deterministic machine take turns: two at once would depend on who came first. */
function exec(w: WorkerContext, r: Resident, request: ExecRequest): Promise<ExecResult> {
  const run = (): Promise<ExecResult> =>
    residency.use(
      w,
      r,
      (vm) =>
        new Promise<ExecResult>((resolve) => {
          mustRun(r, vm);
          r.execs.add(new Exec(vm, request, resolve));
          wake(w, r);
        }),
    );
  if (!r.record.spec.deterministic) return run();
  const turn = r.execTurn.then(run, run);
  r.execTurn = turn.catch(() => {});
  return turn;
}

function openTerminal(
  w: WorkerContext,
  r: Resident,
  vm: Vm,
  request: Parameters<WorkerCalls['openTerminal']>[1],
): TerminalInfo {
  const { user, size, env, remoteHost } = request;
  const alive = [...r.terminals.values()].filter(({ exit }) => !exit).length;
  if (alive > MAX_TERMINALS) throw new HostError('guest', `${r.id} has too many terminals`, 'EMFILE');
  const account = findUser(vm.kernel, user);
  if (!account) throw new HostError('no-such-user', `${r.id} has no user ${user}`);
  // login -p keeps what it is given, the home of who starts it included.
  const own = { HOME: account.home, SHELL: account.shell, USER: user, LOGNAME: user };
  const login = ['/bin/login', ...(env ? ['-p'] : []), ...(remoteHost ? ['-h', remoteHost] : []), '-f', user];
  const pid = spawnProcess(vm, {
    argv: request.argv ?? login,
    user: request.argv ? user : 'root',
    env: request.argv || !env ? env : { ...env, ...own },
    terminal: size,
    ...(request.argv ? {} : { cwd: '/', login: true }),
  });
  const start = {
    id: `t${r.nextTerminal++}`,
    pid,
    user,
    size,
    createdSec: Math.floor(Date.now() / 1000),
  };
  const terminal = new Terminal(w.send, start);
  terminal.awaitsSession = request.argv === undefined;
  r.terminals.set(start.id, terminal);
  tell(w, r, 'terminal.opened', { terminal: start.id, pid, user });
  return terminal.info();
}

function inspect(vm: Vm, part: InspectPart, key: string | undefined): unknown {
  if (part === 'summary') return inspectPart(vm, 'identity');
  if (key !== undefined && part === 'modules') return inspectModule(vm, key);
  if (key !== undefined && part === 'processes') return inspectProcess(vm, Number(key));
  return inspectPart(vm, part);
}
