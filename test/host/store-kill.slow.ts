/**
 * kill -9 of the whole server at random moments, while VMs write and sync, files are put over the API and the database is written:
 * nothing that was acknowledged is lost and nothing is corrupt. Some moments fall into the start after a kill. The number of
 * moments is 50, or OOPSBOX_KILLS.
 */
import { afterAll, expect, test } from 'vitest';
import { Victim } from './store-kill-fixture.ts';

const KILLS = Number(process.env.OOPSBOX_KILLS ?? 50);
const VMS = 3;
/** A server that got ready is killed within this time. */
const LONGEST_LIFE_MS = 2500;
/** One of so many is killed while it starts. */
const EARLY_ONE_OF = 3;
const LONGEST_START_MS = 4000;

const victim = new Victim();
afterAll(() => victim.destroy());

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test(
  `${KILLS} kills lose nothing that was synced`,
  async () => {
    await victim.launch();
    await victim.ready();
    for (let n = 0; n < VMS; n++) await victim.makeVm(`victim-${n}`);
    let synced = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      if (kill % EARLY_ONE_OF === 1) {
        await pause(Math.random() * LONGEST_START_MS);
      } else {
        await victim.ready();
        expect(await victim.verify(), `after kill ${kill}`).toEqual([]);
        victim.load();
        if (kill % 2 === 0) await victim.busy();
        await pause(Math.random() * LONGEST_LIFE_MS);
      }
      await victim.kill();
      synced = Math.max(synced, ...[...victim.vms.values()].map(({ log }) => log));
      await victim.launch();
    }
    await victim.ready();
    expect(await victim.verify()).toEqual([]);
    expect(await victim.exercise()).toEqual([]);
    process.stdout.write(`${KILLS} kills; ${synced} lines synced in a VM, ${victim.members.size} members\n`);
    expect(synced).toBeGreaterThan(KILLS / 5);
    expect(victim.members.size).toBeGreaterThan(KILLS / 5);
  },
  40 * 60_000,
);
