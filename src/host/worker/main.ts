/**
 * A worker thread: one machine, many VMs, and the loop between them. Always true: nothing here blocks for longer than one turn of one
 * machine; between two turns the port's messages are looked at.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { createBirpc } from 'birpc';
import { createMachine } from '../../cpu/index.ts';
import { openImage } from '../../image/index.ts';
import type { HostCalls, WorkerStart, WrappedCalls } from '../calls.ts';
import { openStore } from '../store.ts';
import { Images } from '../store-images.ts';
import type { FromWorker, ToWorker } from '../wire.ts';
import { tell, type WorkerContext, wake } from './context.ts';
import { commitDirty, turn } from './loop.ts';
import { newCounters } from './metrics.ts';
import { hibernateIdle } from './residency.ts';
import type { Resident } from './resident.ts';
import { Scheduler } from './scheduler.ts';
import { serve, wrapped } from './serve.ts';
import { forgetHandle, wireOf } from './sessions.ts';

const port = parentPort;
if (!port) throw new Error('this file is a worker thread');
const start = workerData as WorkerStart;
const DIRTY_LOOK_MS = 200;
const IDLE_LOOK_MS = 1000;

let running = false;
let timer: NodeJS.Timeout | null = null;

/** Has the loop run soon. */
function kick(): void {
  if (running) return;
  running = true;
  if (timer) clearTimeout(timer);
  timer = null;
  setImmediate(step);
}

const image = openImage(start.imagePath);

const w: WorkerContext = {
  start,
  machine: await createMachine({ maxFrames: start.maxFrames }),
  image,
  images: new Images(start.storeFolder, image),
  store: await openStore(start.storeFolder),
  scheduler: new Scheduler<Resident>(),
  residents: new Map(),
  templates: new Map(),
  handles: new Map(),
  send: (message: FromWorker) => port.postMessage(message),
  log: (...line) => void host.log(...line),
  event: (event) => void host.event(event),
  kick,
  counters: newCounters(),
  closing: false,
};

const host = createBirpc<HostCalls, WrappedCalls>(wrapped(serve(w)), {
  post: (message) => port.postMessage(message),
  on: (listener) => port.on('message', (message) => !Array.isArray(message) && listener(message)),
  eventNames: ['event', 'log', 'ready'],
  timeout: -1,
});

/** A turn that throws is a bug of ours in what moves its bytes: it stops that machine, and no other (DESIGN.md, law 4). */
function guardedTurn(r: Resident): void {
  try {
    turn(w, r);
  } catch (error) {
    w.scheduler.sleep(r);
    const text = (error as Error).stack ?? String(error);
    w.log('error', `simulator bug in ${r.id}`, { vm: r.id, report: text });
    w.counters.simulatorBugs++;
    if (!r.vm) return;
    r.vm.kernel.halted = { reason: 'simulator bug', text };
    tell(w, r, 'simulator.bug', { report: text });
  }
}

/** One turn of whoever is next; then the port's messages, then the next turn. */
function step(): void {
  running = false;
  const nowMs = performance.now();
  w.scheduler.fire(nowMs);
  const r = w.scheduler.next();
  if (r) guardedTurn(r);
  if (w.scheduler.readyCount > 0) {
    kick();
    return;
  }
  const waitMs = w.scheduler.nextAlarmMs() - performance.now();
  if (running || waitMs === Number.POSITIVE_INFINITY) return;
  if (timer) clearTimeout(timer);
  timer = setTimeout(kick, Math.min(2 ** 31 - 1, Math.max(0, waitMs)));
}

port.on('message', (message: unknown) => {
  if (Array.isArray(message)) receive(message as ToWorker);
});

/** A stream message: it may be for what has just gone. */
function receive(message: ToWorker): void {
  const handle = message[1];
  const r = w.handles.get(handle);
  if (!r) return;
  const terminal = r.terminals.get(r.viewers.get(handle) ?? '');
  const viewer = terminal?.viewers.get(handle);
  const process = r.processes.get(handle);
  const bridge = r.bridges.get(handle);
  switch (message[0]) {
    case 'data':
      if (viewer && !viewer.writer) break;
      (viewer ?? process)?.inlet.push(message[2]);
      bridge?.data?.(message[2]);
      r.activeMs = performance.now();
      break;
    case 'end':
      if (process) process.inlet.ended = true;
      bridge?.end?.();
      break;
    case 'credit':
      if (viewer) viewer.credit += message[3];
      if (process) process.outlets[message[2]].credit += message[3];
      bridge?.credit?.(message[3]);
      // Granting room to one who looks is no reason to wake a machine that sleeps.
      if (!r.vm) return;
      break;
    case 'resize':
      if (!terminal || !viewer?.writer) break;
      terminal.resize(message[2]);
      if (!terminal.exit) wireOf(r, terminal)?.resize(message[2]);
      break;
    case 'close':
      if (terminal) {
        terminal.detach(handle);
        forgetHandle(w, r, handle);
        if (!r.vm) return;
      }
      process?.close(message[2]);
      bridge?.close?.(r.vm);
      break;
  }
  wake(w, r);
}

setInterval(() => commitDirty(w, performance.now()), DIRTY_LOOK_MS);
setInterval(() => hibernateIdle(w, performance.now()), IDLE_LOOK_MS);
void host.ready();
