/** What a front door on a campus network meets: crowds, silence, garbage, clients that stop reading, machines that die. */
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSsh, type SshFrontDoor } from '../../src/server/ssh/index.ts';
import { run, type SshLabFixture, sshLab, start } from './fixture.ts';
import { Pty } from './pty.ts';

let lab: SshLabFixture;
/** A second door before the same machines, which waits two seconds for a login and bears few failures. */
let impatient: SshFrontDoor;
beforeAll(async () => {
  lab = await sshLab();
  const { host, lab: people } = lab;
  const limits = { loginGraceSec: 2, failuresPerAccount: 8 };
  impatient = await openSsh({
    host,
    lab: people,
    bindHost: '127.0.0.1',
    port: 0,
    dataFolder: lab.folder,
    limits,
  });
}, 120_000);
afterAll(async () => {
  await impatient?.close();
  await lab?.close();
});

const knock = (send: string | Uint8Array | null): Promise<{ text: string; ms: number }> =>
  new Promise((resolve) => {
    const began = performance.now();
    let text = '';
    const socket: Socket = connect(impatient.port, lab.vm.address, () => {
      if (send !== null) socket.write(send);
    });
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString('latin1');
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve({ text, ms: performance.now() - began }));
  });

it('a hundred logins at once all succeed', async () => {
  const runs = await Promise.all(
    Array.from({ length: 100 }, (_, i) => lab.ssh(`echo ${i}`, { timeoutMs: 90_000 })),
  );
  expect(runs.filter(({ status }) => status !== 0).map(({ stderr }) => stderr)).toEqual([]);
  expect(runs.map(({ stdout }) => Number(stdout))).toEqual(Array.from({ length: 100 }, (_, i) => i));
}, 120_000);

describe('rude clients', () => {
  it('garbage, a browser and silence are cut off, and others are served meanwhile', async () => {
    const garbage = Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 31) & 0xff));
    const knocks = [
      knock(garbage),
      knock('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
      knock(null),
      knock('SSH-2.0-x\r\n'),
    ];
    expect(await lab.out('echo served')).toBe('served\n');
    for (const { text, ms } of await Promise.all(knocks)) {
      expect(text).toMatch(/^SSH-2\.0-Oopsbox/);
      expect(ms).toBeLessThan(6000);
    }
  });
  it('packets of nonsense after the greeting', async () => {
    const lengths = [0xffffffff, 0, 35000, 12, 1];
    for (const length of lengths) {
      const packet = Buffer.alloc(200, 0x41);
      packet.writeUInt32BE(length >>> 0, 0);
      await knock(Buffer.concat([Buffer.from('SSH-2.0-OpenSSH_9.9\r\n'), packet]));
    }
    expect(await lab.out('echo still here')).toBe('still here\n');
  });
  it('one that stops reading stops its program, and takes no memory', async () => {
    const before = process.memoryUsage().rss;
    const child = start('ssh', lab.to(['cat /dev/zero']));
    child.stdout?.pause();
    const inside = () => lab.inside("awk '/^rchar/ {print $2}' /proc/$(pgrep -x cat | head -1)/io || echo 0");
    await lab.logged(/Starting session: command/);
    let last = '';
    for (let same = 0, tries = 0; same < 3 && tries < 100; tries++) {
      const now = await inside();
      same = now === last ? same + 1 : 0;
      last = now;
    }
    expect(await lab.out('echo others go on')).toBe('others go on\n');
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 2 ** 20);
    child.kill('SIGKILL');
    await lab.inside(
      'for i in $(seq 100); do pgrep -x cat > /dev/null || break; sleep 0.1; done; ! pgrep -x cat',
    );
  });
  it('a rekey in the middle of the data changes nothing', async () => {
    const ran = await lab.ssh('head -c 3000000 /dev/zero | sha256sum; head -c 3000000 /dev/zero', {
      extra: ['-o', 'RekeyLimit=300K'],
    });
    expect(ran.status).toBe(0);
    expect(ran.stdout.length).toBe(3_000_000 + 68);
    const up = await lab.ssh('wc -c', { extra: ['-o', 'RekeyLimit=300K'], input: Buffer.alloc(3_000_000) });
    expect(up.stdout).toBe('3000000\n');
  });
  it('who guesses too often is shut out for a while, and nobody else', async () => {
    const at = (user: string, key: string) =>
      run('ssh', [
        ...lab.options(),
        '-i',
        key,
        '-p',
        String(impatient.port),
        `${user}@${lab.vm.address}`,
        'echo in',
      ]);
    expect((await at('guess', lab.strangerKey)).stderr).toContain('Permission denied');
    for (let tries = 0; tries < 8; tries++) await at('guess', lab.strangerKey);
    const last = await at('guess', lab.strangerKey);
    expect([last.status, last.stderr.includes('Permission denied')]).toEqual([255, false]);
    expect((await at('student', lab.key)).stdout).toBe('in\n');
  });
});

describe('machines that die', () => {
  it('loading a module by ssh, as in the lab: its device, and the ones it gives', async () => {
    await lab.inside('cp -r ~student/examples/ones /tmp/ones && cd /tmp/ones && make -s', 'root');
    const ran = await lab.ssh(
      'sudo insmod /tmp/ones/ones.ko; for i in 1 2 3 4 5 6 7 8 9 10; do [ -c /dev/ones ] && break; sleep 0.1; done; sudo cat /dev/ones | head -c 20',
    );
    expect(ran.stdout).toBe('1'.repeat(20));
  }, 60_000);
  it('a reboot ends the session; the machine answers again when it is up', async () => {
    const pty = new Pty('ssh', lab.to([]));
    await pty.until('$ ');
    await pty.type('sudo reboot\n');
    expect(await pty.exit).toBe(255);
    let back = '';
    for (let tries = 0; back === '' && tries < 100; tries++) back = (await lab.ssh('echo back')).stdout;
    expect(back).toBe('back\n');
  });
  it('one that sleeps in the store wakes at the next key, and the session goes on', async () => {
    const pty = new Pty('ssh', lab.to([]));
    await pty.until('$ ');
    await pty.type('word=remembered; sleep 1000 &\n', /\[1\] \d+\r\n.*\$ $/);
    await lab.host.suspend(lab.vm.id);
    expect((await lab.host.status(lab.vm.id)).state).toBe('SUSPENDED');
    await pty.type('echo $word; jobs\n', /remembered\r\n.*Running/);
    await lab.logged('Starting session: shell');
    await lab.host.suspend(lab.vm.id);
    expect(await lab.out('echo awake')).toBe('awake\n');
    await pty.type('kill %1; exit\n', 'logout');
    expect(await pty.exit).toBe(0);
  });
  it('a panic stalls the session as a dead machine would, until the reset', async () => {
    const pty = new Pty('ssh', ['-o', 'ServerAliveInterval=1', '-o', 'ServerAliveCountMax=2', ...lab.to([])]);
    await pty.until('$ ');
    await pty.type('sudo sh -c "echo c > /proc/sysrq-trigger"\n');
    expect(await pty.exit).toBe(255);
    expect(pty.text).toMatch(/Timeout, server .* not responding/);
    const during = await run('ssh', lab.to(['true'], { extra: ['-o', 'ConnectTimeout=2'] }));
    expect(during.stderr).toContain('timed out');
    await lab.host.reboot(lab.vm.id, 'hard');
    let back = '';
    for (let tries = 0; back === '' && tries < 100; tries++) back = (await lab.ssh('echo back')).stdout;
    expect(back).toBe('back\n');
  }, 60_000);
});
