/** Whose turn it is: shares, sleepers, alarms. */
import { describe, expect, it } from 'vitest';
import { newSchedulable, type Schedulable, Scheduler } from '../../src/host/worker/scheduler.ts';

interface Machine extends Schedulable {
  name: string;
}
const machine = (name: string, share = 100): Machine => ({ ...newSchedulable(share), name });

/** Runs turns of 3 ms for `ms`; answers how long each was served. */
function run(scheduler: Scheduler<Machine>, ms: number): Record<string, number> {
  const served: Record<string, number> = {};
  for (let at = 0; at < ms; at += 3) {
    const next = scheduler.next();
    if (!next) break;
    scheduler.charge(next, 3);
    served[next.name] = (served[next.name] ?? 0) + 3;
  }
  return served;
}

describe('the scheduler', () => {
  it('serves by share', () => {
    const scheduler = new Scheduler<Machine>();
    for (const each of [machine('a'), machine('b', 300)]) scheduler.wake(each);
    const { a, b } = run(scheduler, 12_000);
    expect(b / a).toBeCloseTo(3, 1);
  });

  it('serves one that wakes up before the busy ones, but lets nobody save up time', () => {
    const scheduler = new Scheduler<Machine>();
    const busy = [machine('x'), machine('y'), machine('z')];
    for (const each of busy) scheduler.wake(each);
    const typist = machine('typist');
    run(scheduler, 30_000);
    scheduler.wake(typist);
    expect(scheduler.next()).toBe(typist);
    // It has slept for ten seconds' worth of turns; that buys it a moment, not ten seconds.
    const { typist: at = 0 } = run(scheduler, 300);
    expect(at).toBeGreaterThanOrEqual(75);
    expect(at).toBeLessThan(130);
  });

  it('has one turn for each key, whatever the busy ones do', () => {
    const scheduler = new Scheduler<Machine>();
    for (let i = 0; i < 20; i++) scheduler.wake(machine(`spinner ${i}`));
    const typist = machine('typist');
    let waited = 0;
    for (let key = 0; key < 100; key++) {
      run(scheduler, 60);
      scheduler.wake(typist);
      for (let next = scheduler.next(); next && next !== typist; next = scheduler.next()) {
        scheduler.charge(next, 3);
        waited += 3;
      }
      scheduler.charge(typist, 1);
      scheduler.sleep(typist);
    }
    expect(waited / 100).toBeLessThan(3);
  });

  it('wakes sleepers in the order of their alarms', () => {
    const scheduler = new Scheduler<Machine>();
    const all = Array.from({ length: 200 }, (_, i) => machine(`${i}`));
    const order = all.map((each, i) => ({ each, atMs: (i * 7919) % 1000 }));
    for (const { each, atMs } of order) scheduler.sleep(each, atMs);
    for (const { each } of order.filter((_, i) => i % 3 === 0)) scheduler.wake(each);
    for (const { each, atMs } of order.filter((_, i) => i % 3 === 0)) scheduler.sleep(each, atMs + 1);
    let nowMs = -1;
    while (scheduler.nextAlarmMs() !== Number.POSITIVE_INFINITY) {
      expect(scheduler.nextAlarmMs()).toBeGreaterThanOrEqual(nowMs);
      nowMs = scheduler.nextAlarmMs();
      const before = scheduler.readyCount;
      scheduler.fire(nowMs);
      expect(scheduler.readyCount).toBeGreaterThan(before);
    }
    expect(scheduler.readyCount).toBe(200);
    expect(all.every(({ ready, alarm }) => ready && alarm === -1)).toBe(true);
  });
});
