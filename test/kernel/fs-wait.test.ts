/** Waiting: pipes, FIFOs, locks, poll, epoll, eventfd, timers, inotify. A parked call is run again when something woke it. */
import { beforeEach, describe, expect, test } from 'vitest';
import { mknodat } from '../../src/kernel/fs/dirops.ts';
import { controlEpoll, createEpoll, waitEpoll } from '../../src/kernel/fs/epoll.ts';
import { createEventfd } from '../../src/kernel/fs/eventfd.ts';
import { flock } from '../../src/kernel/fs/fcntl.ts';
import { getFile, installFd } from '../../src/kernel/fs/file.ts';
import { O, Poll } from '../../src/kernel/fs/flags.ts';
import { addWatch, createInotify } from '../../src/kernel/fs/inotify.ts';
import { conflicting, setLock, unlock } from '../../src/kernel/fs/locks.ts';
import { newPipe, pipeHostEnded, pipeHostRead, pipeHostWrite } from '../../src/kernel/fs/pipe.ts';
import { poll } from '../../src/kernel/fs/poll.ts';
import { createTimerfd, setTimerfd } from '../../src/kernel/fs/timerfd.ts';
import type { File, FileLock } from '../../src/kernel/fs/types.ts';
import { findStep, type Outcome } from '../../src/kernel/outcome.ts';
import { hasPending } from '../../src/kernel/signal/send.ts';
import { fireTimers } from '../../src/kernel/time/timers.ts';
import { errno, fsRig, type Rig } from './fs-fixture.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await fsRig({ dev: {}, tmp: { f: 'text' } });
});

const pipeFds = (flags = 0): [number, number] => {
  const [reader, writer] = newPipe(rig.k, flags) as [File, File];
  return [installFd(rig.k, rig.task, reader, false), installFd(rig.k, rig.task, writer, false)];
};
const parks = (outcome: Outcome | string): boolean => typeof outcome === 'object' && outcome.kind === 'wait';
const fresh = <T>(body: () => T): T => {
  rig.task.syscall = { nr: 0, args: [], deadlineNs: null, scratch: null };
  return body();
};

describe('a pipe', () => {
  test('gives what was put in, waits when empty, ends without writers', () => {
    const [r, w] = pipeFds();
    expect(parks(rig.read(r))).toBe(true);
    rig.write(w, 'hello ');
    rig.write(w, 'there');
    expect(rig.read(r, 8)).toBe('hello th');
    expect(rig.read(r)).toBe('ere');
    rig.close(w);
    expect(rig.read(r)).toBe('');
  });
  test('holds 64 KiB, and small writes go in whole or not at all', () => {
    const [r, w] = pipeFds(O.NONBLOCK);
    expect(rig.write(w, 'x'.repeat(100_000))).toBe(65536);
    expect(errno(rig.write(w, 'y'))).toBe('EAGAIN');
    rig.read(r, 100);
    expect(errno(rig.write(w, 'y'.repeat(4096)))).toBe('EAGAIN');
    expect(rig.write(w, 'y'.repeat(100))).toBe(100);
  });
  test('a big blocking write goes on where it stopped', () => {
    const [, w] = pipeFds();
    const text = 'ab'.repeat(50_000);
    const first = rig.write(w, text);
    expect(parks(first)).toBe(true);
    expect(typeof first === 'object' && first.kind === 'wait' && first.onSignal).toBe(65536);
  });
  test('a write without readers raises SIGPIPE and answers EPIPE', () => {
    const [r, w] = pipeFds();
    rig.close(r);
    expect(errno(rig.write(w, 'x'))).toBe('EPIPE');
    expect(hasPending(rig.task)).toBe(true);
  });
  test('serves the host', () => {
    const [reader, writer] = newPipe(rig.k) as [File, File];
    expect(pipeHostWrite(rig.k, writer, Buffer.from('from the host'))).toBe(13);
    expect(Buffer.from(pipeHostRead(rig.k, reader, 100)).toString()).toBe('from the host');
    expect(pipeHostEnded(reader)).toBe(false);
  });
});

describe('a FIFO', () => {
  test('its opener waits for the other side', () => {
    mknodat(rig.k, rig.task, -100, '/tmp/fifo', 0o10644, 0);
    const reader = rig.open('/tmp/fifo', O.RDONLY) as unknown as Outcome;
    expect(parks(reader)).toBe(true);
    expect(errno(rig.open('/tmp/fifo', O.WRONLY | O.NONBLOCK))).not.toBe('ENXIO');
    if (typeof reader !== 'object') throw new Error('did not park');
    const top = reader.then[reader.then.length - 1];
    expect(findStep(top.step)(rig.k, rig.task, top.state, { by: 'event' })).toBe(0);
  });
  test('without a reader a non-blocking writer gets ENXIO', () => {
    mknodat(rig.k, rig.task, -100, '/tmp/fifo', 0o10644, 0);
    expect(errno(rig.open('/tmp/fifo', O.WRONLY | O.NONBLOCK))).toBe('ENXIO');
    expect(rig.open('/tmp/fifo', O.RDWR)).toBeGreaterThanOrEqual(0);
  });
});

describe('poll and epoll', () => {
  test('report what is ready and wait for what is not', () => {
    const [r, w] = pipeFds();
    const fds = [
      { fd: r, events: Poll.IN, revents: 0 },
      { fd: 99, events: Poll.IN, revents: 0 },
    ];
    expect(fresh(() => poll(rig.k, rig.task, fds, 0))).toBe(1);
    expect(fds[1].revents).toBe(Poll.NVAL);
    expect(parks(fresh(() => poll(rig.k, rig.task, fds.slice(0, 1), null)))).toBe(true);
    rig.write(w, 'x');
    expect(fresh(() => poll(rig.k, rig.task, fds, null))).toBe(2);
    expect(fds[0].revents).toBe(Poll.IN);
    rig.close(w);
    rig.read(r);
    fresh(() => poll(rig.k, rig.task, fds, null));
    expect(fds[0].revents).toBe(Poll.HUP);
  });
  test('an edge is told once, a level as long as it lasts', () => {
    const [r, w] = pipeFds();
    const ep = createEpoll(rig.k, rig.task, 0);
    const file = getFile(rig.task, ep) as File;
    const look = () => {
      const found = fresh(() => waitEpoll(rig.k, rig.task, file, 10, 0));
      return Array.isArray(found) ? found.map((event) => event.events) : found;
    };
    controlEpoll(rig.k, rig.task, ep, 1, r, { events: Poll.IN, data: 7n });
    expect(look()).toBe(0);
    rig.write(w, 'x');
    expect(look()).toEqual([Poll.IN]);
    expect(look()).toEqual([Poll.IN]);
    controlEpoll(rig.k, rig.task, ep, 3, r, { events: Poll.IN + 0x80000000, data: 7n });
    expect(look()).toEqual([Poll.IN]);
    expect(look()).toBe(0);
    rig.write(w, 'y');
    expect(look()).toEqual([Poll.IN]);
    rig.close(r);
    expect(look()).toBe(0);
  });
  test('refuses what cannot be waited for', () => {
    const ep = createEpoll(rig.k, rig.task, 0);
    const fd = rig.open('/tmp/f');
    expect(errno(controlEpoll(rig.k, rig.task, ep, 1, fd, { events: 1, data: 0n }))).toBe('EPERM');
    expect(errno(controlEpoll(rig.k, rig.task, ep, 1, ep, { events: 1, data: 0n }))).toBe('EINVAL');
  });
});

test('an eventfd counts', () => {
  const fd = createEventfd(rig.k, rig.task, 3, O.NONBLOCK);
  rig.write(fd, '\x02\0\0\0\0\0\0\0');
  expect(rig.read(fd)).toBe('\x05\0\0\0\0\0\0\0');
  expect(errno(rig.read(fd) as number)).toBe('EAGAIN');
});

test('a timerfd counts the periods that passed', () => {
  const fd = createTimerfd(rig.k, rig.task, 1, O.NONBLOCK);
  setTimerfd(rig.k, rig.task, fd, 0, { sec: 1, nsec: 0 }, { sec: 2, nsec: 0 });
  expect(errno(rig.read(fd) as number)).toBe('EAGAIN');
  rig.k.time.nowNs += 5.5e9;
  fireTimers(rig.k);
  expect(rig.read(fd)).toBe('\x03\0\0\0\0\0\0\0');
});

describe('locks', () => {
  const lock = (owner: object, start: number, end: number, write = true): FileLock =>
    ({ kind: 'posix', owner, write, start, end, pid: 1 }) as FileLock;
  const take = (wanted: FileLock) => setLock(rig.k, rig.stat('/tmp/f'), wanted, false, () => {});
  test('of a range are split, joined and in the way of others', () => {
    const [one, two] = [{}, {}];
    expect(take(lock(one, 0, 99))).toBe(0);
    expect(errno(take(lock(two, 50, 60)))).toBe('EAGAIN');
    unlock(rig.k, rig.stat('/tmp/f'), lock(one, 40, 69));
    expect(take(lock(two, 50, 60))).toBe(0);
    expect(conflicting(rig.stat('/tmp/f'), lock(two, 0, 45))?.end).toBe(39);
    expect(rig.stat('/tmp/f').locks?.list.length).toBe(3);
  });
  test('of flock belong to the open file and go with it', () => {
    const [a, b] = [rig.open('/tmp/f'), rig.open('/tmp/f')];
    expect(flock(rig.k, rig.task, a, 2)).toBe(0);
    expect(errno(fresh(() => flock(rig.k, rig.task, b, 2 | 4)))).toBe('EAGAIN');
    expect(parks(fresh(() => flock(rig.k, rig.task, b, 2)))).toBe(true);
    rig.close(a);
    expect(fresh(() => flock(rig.k, rig.task, b, 2 | 4))).toBe(0);
    rig.close(b);
    expect(rig.k.fs.lockedInodes).toEqual([]);
  });
});

test('inotify tells of what happens in a directory', () => {
  const fd = createInotify(rig.k, rig.task, O.NONBLOCK);
  expect(addWatch(rig.k, rig.task, fd, '/tmp', 0xfff)).toBe(1);
  rig.put('/tmp/new', 'x');
  rig.rm('/tmp/new');
  const bytes = Buffer.from(rig.read(fd) as string, 'latin1');
  const events: string[] = [];
  for (let at = 0; at < bytes.length; at += 16 + bytes.readUInt32LE(at + 12)) {
    const name = bytes.subarray(at + 16, at + 16 + bytes.readUInt32LE(at + 12));
    events.push(`${bytes.readUInt32LE(at + 4).toString(16)} ${name.toString().replace(/\0+$/, '')}`);
  }
  expect(events).toEqual(['100 new', '20 new', '2 new', '8 new', '200 new']);
  rig.close(fd);
  expect(rig.k.fs.watches).toBe(0);
});
