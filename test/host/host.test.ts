/** The host from outside: machines made, used, rebooted, copied, lost and found again. */
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HostError } from '../../src/host/index.ts';
import { QUOTAS, Site, spec, Typist, until } from './fixture.ts';

let site: Site;
beforeAll(async () => {
  site = await new Site().open();
  await site.host.create(spec('anil-vm'));
});
afterAll(() => site?.destroy());

const refusal = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'no refusal',
    (error: HostError) => `${error.code}${error.errno ? ` ${error.errno}` : ''}`,
  );

describe('a machine', () => {
  it('has its name, the time and an identity of its own', async () => {
    await site.host.create(spec('other'));
    const facts = 'cat /etc/hostname; hostname; getent hosts anil-vm; cat /etc/machine-id; date +%s';
    const [file, name, hosts, id, seconds] = (await site.out('anil-vm', facts)).split('\n');
    expect([file, name]).toEqual(['anil-vm', 'anil-vm']);
    expect(hosts).toMatch(/^127\.0\.1\.1\s+anil-vm$/);
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect(await site.out('other', 'cat /etc/machine-id')).not.toBe(`${id}\n`);
    expect(Math.abs(Number(seconds) - Date.now() / 1000)).toBeLessThan(5);
    const console = Buffer.from(await site.host.consoleLog('anil-vm')).toString();
    expect(console).toContain('anil-vm login:');
    expect(console).not.toContain('oopsbox login:');
    await site.host.remove('other');
    expect(await refusal(site.host.status('other'))).toBe('no-such-vm');
  });

  it('is refused where its spec is wrong or taken', async () => {
    const { host } = site;
    expect(await refusal(host.create(spec('anil-vm')))).toBe('exists');
    expect(await refusal(host.create(spec('x', { kernel: '2.6' })))).toBe('bad-spec');
    expect(await refusal(host.create(spec('../x')))).toBe('bad-spec');
    expect(await refusal(host.create(spec('x', { hostname: 'a b' })))).toBe('bad-spec');
    expect(await refusal(host.create(spec('x', { quotas: { ...QUOTAS, memoryMiB: 1e9 } })))).toBe('bad-spec');
    expect(
      await refusal(
        host.exec('nobody', {
          argv: ['true'],
          budget: { instructions: 1, virtualSeconds: 1, outputBytes: 1 },
        }),
      ),
    ).toBe('no-such-vm');
  });

  it('knows its users', async () => {
    expect(await site.host.findUser('anil-vm', 'student')).toMatchObject({
      uid: 1000,
      home: '/home/student',
    });
    expect(await site.host.findUser('anil-vm', 'nobody-here')).toBeNull();
    expect(
      await refusal(site.host.openTerminal('anil-vm', { user: 'mallory', size: { rows: 1, cols: 1 } })),
    ).toBe('no-such-user');
  });
});

describe('commands', () => {
  it('answer with output, status and what changed in the kernel', async () => {
    const said = await site.sh('anil-vm', 'cat; echo oops >&2; echo "<3>hello" > /dev/kmsg; exit 3', {
      stdin: 'in',
    });
    expect(said).toMatchObject({
      outcome: 'exited',
      exitCode: 3,
      signal: null,
      stdout: 'in',
      stderr: 'oops\n',
    });
    expect(said.kernelLog.map(({ level, text }) => [level, text])).toEqual([[3, 'hello']]);
    expect(said.kernel).toMatchObject({ health: 'running', modulesAdded: [], oopses: 0 });
    expect(await site.sh('anil-vm', 'kill -9 $$')).toMatchObject({ exitCode: null, signal: 'SIGKILL' });
  });

  it('are killed with all their children when the budget is spent', async () => {
    const spin = await site.sh('anil-vm', 'echo begun; while :; do :; done', { instructions: 30e6 });
    expect(spin).toMatchObject({ outcome: 'budget', signal: 'SIGKILL', stdout: 'begun\n' });
    const sleep = await site.sh('anil-vm', 'sleep 4321 & sleep 4321', { seconds: 0.3 });
    expect(sleep).toMatchObject({ outcome: 'budget' });
    expect(sleep.virtualSeconds).toBeLessThan(2);
    expect((await site.sh('anil-vm', 'pgrep -f "sleep 4321$"')).stdout).toBe('');
    const much = await site.sh('anil-vm', 'yes | head -c 100000', { outputBytes: 1000 });
    expect(much).toMatchObject({ outcome: 'exited', truncated: { stdout: true, stderr: false } });
    expect(much.stdout).toHaveLength(1000);
  });
});

describe('files', () => {
  it('are written, listed, read and removed with owner and mode', async () => {
    const { host } = site;
    const path = '/home/student/new/file é';
    await host.writeFile('anil-vm', path, Buffer.from('one\n'), { mode: 0o640, uid: 1000, gid: 1000 });
    await host.appendFile('anil-vm', path, Buffer.from('two\n'));
    expect(await host.stat('anil-vm', path)).toMatchObject({ kind: 'file', mode: 0o640, uid: 1000, size: 8 });
    expect(await site.out('anil-vm', `cat '${path}'`)).toBe('one\ntwo\n');
    await site.out('anil-vm', 'ln -s "file é" /home/student/new/link; mkfifo /home/student/new/pipe');
    expect(
      (await host.listDirectory('anil-vm', '/home/student/new')).map(({ name, kind, target }) => [
        name,
        kind,
        target,
      ]),
    ).toEqual([
      ['file é', 'file', undefined],
      ['link', 'symlink', 'file é'],
      ['pipe', 'fifo', undefined],
    ]);
    expect(await refusal(host.readFile('anil-vm', '/home/student/new/pipe'))).toBe('guest EINVAL');
    expect(await refusal(host.readFile('anil-vm', '/dev/zero'))).toBe('guest EINVAL');
    expect(await refusal(host.readFile('anil-vm', '/none'))).toBe('guest ENOENT');
    expect(await refusal(host.writeFile('anil-vm', '/home', Buffer.from('')))).toBe('guest EISDIR');
    expect(await refusal(host.stat('anil-vm', 'relative'))).toBe('guest EINVAL');
    expect(await refusal(host.removeFile('anil-vm', '/home/student/new'))).toBe('guest EISDIR');
    await host.removeFile('anil-vm', '/home/student/new', { recursive: true });
    expect(await refusal(host.stat('anil-vm', '/home/student/new'))).toBe('guest ENOENT');
  });

  it('travel as a tar stream', async () => {
    const { host } = site;
    await site.out(
      'anil-vm',
      'mkdir -p /srv/t/deep && cd /srv/t && head -c 700000 /dev/urandom > big && ln -s big l && chmod 4711 big && chown 7:8 deep',
    );
    const before = await site.out('anil-vm', 'cd /srv/t && sha256sum big && ls -lnR --time-style=+%s');
    const chunks: Buffer[] = [];
    for await (const chunk of await host.readTree('anil-vm', '/srv/t')) chunks.push(chunk);
    await host.makeDirectory('anil-vm', '/srv/u', { mode: 0o700 });
    const done = await host.writeTree('anil-vm', '/srv/u', Readable.from(chunks));
    expect(done).toEqual({ files: 4, bytes: 700000 });
    expect(await site.out('anil-vm', 'cd /srv/u && sha256sum big && ls -lnR --time-style=+%s')).toBe(before);
    expect(await refusal(host.readTree('anil-vm', '/none'))).toBe('guest ENOENT');
    expect(await refusal(host.writeTree('anil-vm', '/srv/u', Readable.from([Buffer.alloc(2048, 7)])))).toBe(
      'bad-spec',
    );
  });
});

describe('processes and connections', () => {
  it('are streams; what is not read makes the guest wait', async () => {
    const cat = await site.host.spawn('anil-vm', { argv: ['cat'], user: 'student' });
    cat.stdin.end('through');
    let text = '';
    for await (const chunk of cat.stdout) text += chunk;
    expect(text).toBe('through');
    expect(await cat.exit).toEqual({ exitCode: 0, signal: null });

    const yes = await site.host.spawn('anil-vm', { argv: ['sh', '-c', 'yes & echo $! >&2; wait'] });
    await new Promise((resolve) => setTimeout(resolve, 300));
    const before = (await site.host.metrics()).instructions_total;
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect((await site.host.metrics()).instructions_total - before).toBeLessThan(2_000_000);
    await yes.signal('TERM');
    yes.close();
    expect(await yes.exit).toEqual({ exitCode: null, signal: 'SIGTERM' });
  });

  it('reach a port of the machine', async () => {
    expect(await refusal(site.host.connect('anil-vm', 7777))).toBe('guest ECONNREFUSED');
  });
});

describe('terminals', () => {
  it('are logins that echo, resize, and are seen by others', async () => {
    const me = await site.terminal('anil-vm');
    await me.until('$ ');
    me.attachment.resize({ rows: 30, cols: 100 });
    me.type('stty size; tty; id -un\n');
    expect(await me.until('student\r\n')).toContain('30 100\r\n/dev/pts/');
    const { id } = me.attachment.terminal;
    const ta = new Typist(await site.host.attach('anil-vm', id, { label: 'ta', writer: false }));
    expect(ta.seen).toContain('30 100');
    expect(ta.attachment.input).toBeNull();
    me.type('echo for both\n');
    await Promise.all([me.until('\rfor both'), ta.until('\rfor both')]);
    const [info] = await site.host.terminals('anil-vm').then((all) => all.filter((each) => each.id === id));
    expect(info).toMatchObject({ user: 'student', size: { rows: 30, cols: 100 } });
    expect(info.viewers).toEqual([
      { label: 'typist', writer: true },
      { label: 'ta', writer: false },
    ]);
    const { offset } = ta.attachment;
    ta.attachment.detach();
    me.type('echo while away\n');
    await me.until('\rwhile away');
    const back = new Typist(
      await site.host.attach('anil-vm', id, { label: 'ta', writer: false, fromOffset: offset }),
    );
    await back.until('\rwhile away');
    // login's status is not its shell's.
    me.type('exit\n');
    expect(await me.attachment.exit).toEqual({ exitCode: 0, signal: null });
    await site.event('terminal.closed', 'anil-vm');
  });

  it('are hung up', async () => {
    const me = await site.terminal('anil-vm', {
      argv: ['bash', '-c', 'trap "echo hup > /tmp/hup" HUP; echo up; sleep 100 & wait'],
    });
    await me.until('up');
    await site.host.hangup('anil-vm', me.attachment.terminal.id);
    await me.attachment.exit.catch(() => {});
    expect(await site.out('anil-vm', 'sleep 0.1; cat /tmp/hup')).toBe('hup\n');
    expect(await refusal(site.host.hangup('anil-vm', 'none'))).toBe('no-such-terminal');
  });

  it('of the console log in', async () => {
    const me = new Typist(await site.host.attach('anil-vm', 'console', { label: 'me', writer: true }));
    me.type('nobody\n');
    await me.until('Password:');
    me.type('wrong\n');
    await me.until('incorrect');
    me.attachment.detach();
  });
});

describe('power', () => {
  it('goes off and on, asleep and awake, with the disk it had', async () => {
    const { host } = site;
    await site.out('anil-vm', 'echo kept > /root/kept');
    const me = await site.terminal('anil-vm');
    await me.until('$ ');
    me.type('cd /tmp; kept=yes\n');
    await me.until('/tmp');
    expect(await host.suspend('anil-vm')).toMatchObject({ state: 'SUSPENDED' });
    expect((await host.list())[0]).toMatchObject({ state: 'SUSPENDED' });
    // The next key wakes it, with everything where it was.
    me.type('echo $kept $PWD\n');
    await me.until('yes /tmp');
    expect(await host.status('anil-vm')).toMatchObject({ state: 'ACTIVE' });
    const seconds = Number(await site.out('anil-vm', 'date +%s'));
    expect(Math.abs(seconds - Date.now() / 1000)).toBeLessThan(5);

    const lost = me.attachment.exit.then(
      () => 'exited',
      (error: HostError) => error.code,
    );
    expect(await host.reboot('anil-vm', 'soft')).toMatchObject({ state: 'ACTIVE' });
    expect(['exited', 'closed']).toContain(await lost);
    expect(await site.out('anil-vm', 'cat /root/kept')).toBe('kept\n');
    expect(await host.stop('anil-vm', 'soft')).toMatchObject({ state: 'SHUTOFF' });
    expect(await refusal(host.stat('anil-vm', '/'))).toBe('wrong-state');
    expect(await host.start('anil-vm')).toMatchObject({ state: 'ACTIVE' });
    expect(await refusal(host.start('anil-vm'))).toBe('wrong-state');
    expect(await site.out('anil-vm', 'cat /root/kept')).toBe('kept\n');
  });

  it('a panic stops the machine until somebody reboots it', async () => {
    const { host } = site;
    const me = await site.terminal('anil-vm', { user: 'root' });
    await me.until('# ');
    me.type('echo c > /proc/sysrq-trigger\n');
    await site.event('panic', 'anil-vm');
    await until(() => site.events.find(({ detail }) => detail.health === 'panicked'), 'state');
    expect(await host.status('anil-vm')).toMatchObject({ state: 'ACTIVE', kernel: { health: 'panicked' } });
    expect(await refusal(site.sh('anil-vm', 'true'))).toBe('wrong-state');
    expect(Buffer.from(await host.consoleLog('anil-vm')).toString()).toContain('Kernel panic - not syncing');
    await host.reboot('anil-vm', 'soft');
    expect(await site.out('anil-vm', 'echo up')).toBe('up\n');
  });

  it('the machine reboots by itself as long after a panic as it says', async () => {
    await site.out('anil-vm', 'echo 1 > /proc/sys/kernel/panic');
    const boot = await site.out('anil-vm', 'cat /proc/sys/kernel/random/boot_id');
    const spawned = await site.host.spawn('anil-vm', { argv: ['sh', '-c', 'echo c > /proc/sysrq-trigger'] });
    await spawned.exit.catch(() => {});
    expect(await site.out('anil-vm', 'cat /proc/sys/kernel/random/boot_id')).not.toBe(boot);
  });

  it('forks, snapshots and rebuilds', async () => {
    const { host } = site;
    await site.out('anil-vm', 'echo parent > /root/who');
    const me = await site.terminal('anil-vm');
    await me.until('$ ');
    me.type('secret=42\n');
    await me.until('$ ');
    await host.fork('anil-vm', { id: 'child', hostname: 'child-vm' });
    expect(await site.out('child', 'hostname; cat /root/who')).toBe('child-vm\nparent\n');
    // Its terminals go on, too: the fork is the same machine at the same instant.
    const there = new Typist(
      await host.attach('child', me.attachment.terminal.id, { label: 'ta', writer: true }),
    );
    there.type('echo the $secret\n');
    await there.until('the 42');
    await site.out('child', 'echo child > /root/who');
    expect(await site.out('anil-vm', 'cat /root/who')).toBe('parent\n');

    const { bytes } = await host.snapshot('child', 's1');
    expect(bytes).toBeGreaterThan(1000);
    await site.out('child', 'rm /root/who; sync');
    await host.restore('child', 's1');
    expect(await site.out('child', 'cat /root/who')).toBe('child\n');
    expect(await refusal(host.restore('child', 'none'))).toBe('no-such-snapshot');
    await host.removeSnapshot('child', 's1');
    await host.rebuild('child', { kernel: '6.12.107+deb13-riscv64' });
    expect(await site.out('child', 'uname -r; ls /root')).toBe('6.12.107+deb13-riscv64\n');
    await host.remove('child');
  });

  it('quotas change at once', async () => {
    await site.host.update('anil-vm', { quotas: { ...QUOTAS, diskMiB: 16 } });
    expect((await site.sh('anil-vm', 'head -c 20000000 /dev/zero > /root/big')).stderr).toContain(
      'No space left',
    );
    await site.host.update('anil-vm', { quotas: QUOTAS });
    expect((await site.sh('anil-vm', 'head -c 20000000 /dev/zero > /root/big; rm /root/big')).exitCode).toBe(
      0,
    );
  });

  it('a terminal prints no faster than the machine may', async () => {
    const rate = 16_384;
    await site.host.update('anil-vm', { quotas: { ...QUOTAS, outputBytesPerSec: rate } });
    const printer = await site.terminal('anil-vm', {
      argv: ['/bin/sh', '-c', `head -c ${4 * rate} /dev/zero | tr '\\0' x; echo; echo done`],
    });
    const begin = performance.now();
    await printer.until('done');
    // A burst of a second's worth is free, the three that are left take their time.
    expect(performance.now() - begin).toBeGreaterThan(2500);
    await site.host.update('anil-vm', { quotas: QUOTAS });
  });
});
