/**
 * poll, select and epoll on files of modules. Always true: before a look the poll operation of each such file has been called, and
 * what it answered is kept by task and file until the look ends; poll_wait notes the wait queue head a file was told of.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import { providePolling } from '../fs/poll.ts';
import type { File } from '../fs/types.ts';
import type { Kernel } from '../kernel.ts';
import { writeK64 } from '../module/kmem.ts';
import { call } from '../module/runtime.ts';
import { defineStep, type Outcome } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import { moduleFile, opOf, providePolled, stackScratch } from './filp.ts';
import { kernelSymbol } from './image.ts';
import { kapi } from './registry.ts';
import { kapiRoom } from './room.ts';
import { waitersAt } from './sleep.ts';

/** What one look found: events and wait queue heads, by file id. */
export type Polls = Map<number, { events: number; heads: Vaddr[] }>;

const DEFAULT_EVENTS = 0x145;
/** Wait queues one poll may name. */
const MAX_HEADS = 64;

function pollsOf(k: Kernel, task: Task): Polls {
  const { polls } = kapiRoom(k);
  let mine = polls.get(task.tid);
  if (!mine) {
    mine = new Map();
    polls.set(task.tid, mine);
  }
  return mine;
}

/** Wait queue heads whose wake-ups are counted, at most. */
const MAX_COUNTED = 4096;

/** How often a polled wait queue was woken: what edge-triggered epoll goes by. Counting begins with the first poll. */
function wakesOf(k: Kernel, head: Vaddr): number {
  const room = kapiRoom(k);
  room.wakes ??= new Map();
  const count = room.wakes.get(head) ?? 0;
  if (count === 0 && room.wakes.size < MAX_COUNTED) room.wakes.set(head, 0);
  return count;
}

/** Notes what a file waits on, in the poll that is being called. */
function note(k: Kernel, task: Task, head: Vaddr): void {
  const now = pollsOf(k, task).get(-1);
  if (now && now.heads.length < MAX_HEADS) now.heads.push(head);
}
for (const name of ['__pollwait', 'poll_wait'])
  kapi(name, (k, task, [, head, table]) => {
    if (head !== 0 && table !== 0) note(k, task, head);
    return 0;
  });

/** Calls the next poll operation that has not been asked in this look; null when all have been. */
function ask(k: Kernel, task: Task, files: readonly File[]): Outcome | null {
  const mine = pollsOf(k, task);
  for (const file of files) {
    if (file.kind !== 'module' || mine.has(file.id) || moduleFile(file).released) continue;
    const entry = opOf(k, task, file, 'poll');
    if (entry === null) return 0;
    if (entry === 0) continue;
    const table = stackScratch(k, task) + 8;
    writeK64(k, table, kernelSymbol(k, '__pollwait'));
    writeK64(k, table + 8, 0xffffffff);
    mine.set(-1, { events: 0, heads: [] });
    const state = { file, files };
    return {
      ...call(entry, [moduleFile(file).filp, table]),
      then: [
        { step: 'engine.dispatch', state: null },
        { step: 'module.polled', state },
      ],
    };
  }
  return null;
}

defineStep('module.polled', (k, task, { file }: { file: File }, entry) => {
  const mine = pollsOf(k, task);
  const heads = mine.get(-1)?.heads ?? [];
  mine.delete(-1);
  mine.set(file.id, { events: entry.by === 'result' ? entry.value & 0xffff : 0, heads });
  return 0;
});

providePolled((k, task, file) => {
  const found = task ? k.kapi?.polls.get(task.tid)?.get(file.id) : undefined;
  if (!found) return { events: DEFAULT_EVENTS, queues: [] };
  return {
    events: found.events,
    queues: found.heads.map((head) => waitersAt(k, head)),
    seq: found.heads.reduce((sum, head) => sum + wakesOf(k, head), 0),
  };
});

providePolling({
  ask,
  forget(k, task) {
    k.kapi?.polls.delete(task.tid);
  },
});
