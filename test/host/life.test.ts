/** What a machine outlives: sleep, the server's end, its worker's death; and that a deterministic one is the same under any load. */
import { afterEach, describe, expect, it } from 'vitest';
import type { HostError } from '../../src/host/index.ts';
import { Site, spec, Typist, until } from './fixture.ts';

let site: Site;
afterEach(() => site?.destroy());

describe('idle machines', () => {
  it('sleep in the store, wake for a key, and for what they have to do themselves', async () => {
    site = await new Site({ hibernateAfterSec: 1 }).open();
    await site.host.create(spec('vm'));
    const me = await site.terminal('vm');
    await me.until('$ ');
    me.type('mark=17\n');
    const state = async (): Promise<string> => (await site.host.status('vm')).state;
    const asleep = async (): Promise<void> => {
      for (let i = 0; i < 400 && (await state()) !== 'SUSPENDED'; i++)
        await new Promise((resolve) => setTimeout(resolve, 25));
      expect(await state()).toBe('SUSPENDED');
    };
    await asleep();
    expect((await site.host.metrics()).vms_awake).toBe(0);
    // To look at it does not wake it.
    const [info] = (await site.host.terminals('vm')).filter(({ id }) => id !== 'console');
    expect(info.viewers).toHaveLength(1);
    const ta = new Typist(await site.host.attach('vm', info.id, { label: 'ta', writer: false }));
    expect(ta.seen).toContain('mark=17');
    expect(await state()).toBe('SUSPENDED');
    me.type('echo $((mark + 1))\n');
    await me.until('\r18');
    await ta.until('\r18');
    await asleep();
    const up = Number(await site.out('vm', 'cut -d. -f1 /proc/uptime'));
    expect(up).toBeGreaterThanOrEqual(2);
    expect(Math.abs(Number(await site.out('vm', 'date +%s')) - Date.now() / 1000)).toBeLessThan(3);
  });

  it('with work to do soon stay awake', async () => {
    site = await new Site({ hibernateAfterSec: 1 }).open();
    await site.host.create(spec('vm'));
    await site.out('vm', 'setsid sh -c "sleep 4; echo done > /root/done" > /dev/null 2>&1 < /dev/null &');
    await new Promise((resolve) => setTimeout(resolve, 2500));
    expect((await site.host.status('vm')).state).toBe('ACTIVE');
  });
});

describe('after the server has ended', () => {
  it('machines and their terminals go on where they were', async () => {
    site = await new Site().open();
    await site.host.create(spec('vm'));
    const me = await site.terminal('vm');
    await me.until('$ ');
    me.type('mark=17; cd /tmp\n');
    await me.until('/tmp');
    const { id } = me.attachment.terminal;
    await site.close();
    await site.open();
    expect(await site.host.list()).toMatchObject([{ id: 'vm', state: 'SUSPENDED' }]);
    const again = new Typist(await site.host.attach('vm', id, { label: 'me', writer: true }));
    expect(again.seen).toContain('mark=17');
    again.type('echo $mark $PWD\n');
    await again.until('17 /tmp');
    expect(Buffer.from(await site.host.consoleLog('vm')).toString()).toContain('vm login:');
  });
});

describe('a worker that dies', () => {
  it('is replaced, and its machines come back from what was durable', async () => {
    site = await new Site().open();
    await Promise.all([site.host.create(spec('one')), site.host.create(spec('two'))]);
    await site.out('one', 'echo synced > /root/synced; sync');
    await site.host.writeFile('two', '/root/file', Buffer.from('durable'));
    await site.host.suspend('two');
    const me = await site.terminal('one');
    await me.until('$ ');
    const code = (work: Promise<unknown>): Promise<string> =>
      work.then(
        () => 'fine',
        (error: HostError) => error.code,
      );
    const lost = [
      code(me.attachment.exit),
      code(site.sh('one', 'sleep 1000')),
      code(me.attachment.output.toArray()),
    ];
    await new Promise((resolve) => setTimeout(resolve, 100));
    await site.host.pool.links[0].terminate();
    expect(await Promise.all(lost)).toEqual(['worker-lost', 'worker-lost', 'worker-lost']);
    await until(() => site.host.pool.lostWorkers === 1 && !site.host.pool.links[0].lost, 'a new worker');
    expect(await site.out('one', 'cat /root/synced; cut -d. -f1 /proc/uptime')).toMatch(/^synced\n\d\n$/);
    expect(await site.out('two', 'cat /root/file')).toBe('durable');
    expect((await site.host.metrics()).workers_lost_total).toBe(1);
  });
});

describe('a deterministic machine', () => {
  const story = [
    'date +%s.%N; cat /proc/uptime; head -c 8 /dev/urandom | od -An -tx8',
    'for i in 1 2 3; do (sleep 0.$i; echo $i) & done; wait; ps -e -o pid,time,comm | tail -3',
    'while :; do :; done',
    'sleep 1000',
    'cat; echo $RANDOM; dmesg | tail -2; cat /proc/stat | head -1',
  ];
  const tell = async (id: string): Promise<unknown[]> => {
    const answers: unknown[] = [];
    for (const command of story)
      answers.push(await site.sh(id, command, { instructions: 40e6, seconds: 5, stdin: 'input\n' }));
    return answers;
  };

  it('gives the same answers, bit for bit, whatever runs beside it', async () => {
    site = await new Site().open();
    await site.host.create(spec('alone', { hostname: 'grade', deterministic: true }));
    const alone = await tell('alone');
    expect(alone).toMatchObject([
      { exitCode: 0 },
      { exitCode: 0 },
      { outcome: 'budget' },
      { outcome: 'budget' },
      { exitCode: 0 },
    ]);
    await site.host.create(spec('busy'));
    const spinner = await site.host.spawn('busy', { argv: ['sh', '-c', 'while :; do :; done'] });
    const printer = await site.host.spawn('busy', { argv: ['yes'] });
    printer.stdout.resume();
    const names = ['first', 'second'];
    for (const name of names) await site.host.create(spec(name, { hostname: 'grade', deterministic: true }));
    const crowded = await Promise.all(
      names.map(async (name, i) => {
        if (i === 1) await new Promise((resolve) => setTimeout(resolve, 37));
        return tell(name);
      }),
    );
    expect(crowded[0]).toEqual(alone);
    expect(crowded[1]).toEqual(alone);
    spinner.close();
    printer.close();
  });
});
