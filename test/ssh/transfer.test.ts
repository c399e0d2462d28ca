/** Files and ports over ssh, with Debian's own scp, sftp and rsync, and what a client sees of two machines. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { VmRecord } from '../../src/lab/index.ts';
import { run, type SshLabFixture, sshLab, start } from './fixture.ts';

let lab: SshLabFixture;
let other: VmRecord;
beforeAll(async () => {
  lab = await sshLab();
  const made = await lab.lab.vms.create(lab.principal, { course: lab.vm.courseId, name: 'second-vm' });
  other = await lab.lab.vms.get(made.id);
}, 120_000);
afterAll(() => lab?.close());

const at = (path: string): string => `student@${lab.vm.address}:${path}`;
const scp = (...args: string[]) =>
  run('scp', [...lab.options(), '-q', '-i', lab.key, '-P', String(lab.port), ...args]);
const sftp = (batch: string) =>
  run('sftp', [...lab.options(), '-i', lab.key, '-P', String(lab.port), '-b', '-', at('').slice(0, -1)], {
    input: batch,
  });
const rsh = (): string => ['ssh', ...lab.options(), '-i', lab.key, '-p', String(lab.port)].join(' ');
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('scp', () => {
  it('copies a file both ways, byte for byte, with its mode', async () => {
    const bytes = randomBytes(3_000_001);
    const file = lab.file('some.bin', bytes);
    expect(await scp('-p', file, at('some.bin'))).toMatchObject({
      status: 0,
      stderr: expect.not.stringContaining('rror'),
    });
    expect(await lab.inside('sha256sum < ~/some.bin; stat -c "%a %U:%G" ~/some.bin', 'student')).toBe(
      `${sha256(bytes)}  -\n644 student:student\n`,
    );
    expect((await scp(at('some.bin'), lab.file('back.bin'))).status).toBe(0);
    expect(readFileSync(lab.file('back.bin')).equals(bytes)).toBe(true);
  });
  it('copies a tree, empty files and odd names', async () => {
    const tree = lab.file('tree');
    mkdirSync(`${tree}/deep/er`, { recursive: true });
    writeFileSync(`${tree}/empty`, '');
    writeFileSync(`${tree}/deep/a file with blanks`, 'x');
    writeFileSync(`${tree}/deep/er/ünïcode`, 'y');
    expect((await scp('-r', tree, at(''))).status).toBe(0);
    expect(await lab.inside('cd ~ && find tree -type f | sort', 'student')).toBe(
      'tree/deep/a file with blanks\ntree/deep/er/ünïcode\ntree/empty\n',
    );
    rmSync(lab.file('again'), { recursive: true, force: true });
    expect((await scp('-r', at('tree'), lab.file('again'))).status).toBe(0);
    expect(readFileSync(lab.file('again/deep/er/ünïcode'), 'utf8')).toBe('y');
  });
  it("has the user's rights and no others", async () => {
    const ran = await scp(lab.file('some.bin'), at('/etc/passwd'));
    expect(ran.status).toBe(1);
    expect(ran.stderr).toContain('/etc/passwd": Permission denied');
    expect((await scp(at('/etc/shadow'), lab.file('shadow'))).stderr).toContain('Permission denied');
  });
  it('the old protocol works too', async () => {
    expect((await scp('-O', lab.file('some.bin'), at('old.bin'))).status).toBe(0);
    expect(await lab.inside('cmp ~student/some.bin ~student/old.bin && echo same')).toBe('same\n');
  });
});

describe('sftp', () => {
  it('does what version 3 and its extensions do', async () => {
    lab.file('in.txt', 'content\n');
    const ran = await sftp(
      [
        'mkdir dir',
        `put ${lab.file('in.txt')} dir/one`,
        'rename dir/one dir/two',
        'ln dir/two dir/hard',
        'symlink two dir/soft',
        'chmod 600 dir/two',
        'ls -l dir',
        'df',
        `get dir/soft ${lab.file('out.txt')}`,
        'cp dir/two dir/copy',
        'rm dir/hard',
        'cd dir',
        'pwd',
        'bye',
      ].join('\n'),
    );
    expect([ran.status, ran.stderr.replace(/^Warning.*\r?\n/, '')]).toEqual([0, '']);
    expect(ran.stdout).toContain('/home/student/dir');
    expect(ran.stdout).toMatch(/-rw------- +\S+ +student +student +8 .*two/);
    expect(readFileSync(lab.file('out.txt'), 'utf8')).toBe('content\n');
    expect(await lab.inside('cd ~/dir; ls; readlink soft', 'student')).toBe('copy\nsoft\ntwo\ntwo\n');
  });
  it('what it has told to be there survives the power cut', async () => {
    const bytes = randomBytes(200_000);
    expect((await scp(lab.file('durable', bytes), at('durable'))).status).toBe(0);
    await lab.host.stop(lab.vm.id, 'hard');
    await lab.host.start(lab.vm.id);
    expect(await lab.inside('sha256sum < ~student/durable')).toBe(`${sha256(bytes)}  -\n`);
  });
});

it('rsync sends a tree, and then only what has changed', async () => {
  const tree = lab.file('sync');
  mkdirSync(`${tree}/sub`, { recursive: true });
  for (let i = 0; i < 20; i++) writeFileSync(`${tree}/sub/${i}`, `${i}\n`.repeat(i * 50));
  const first = await run('rsync', ['-a', '--delete', '-e', rsh(), `${tree}/`, at('sync/')]);
  expect([first.status, first.stderr]).toEqual([0, '']);
  writeFileSync(`${tree}/sub/3`, 'changed\n');
  rmSync(`${tree}/sub/4`);
  const second = await run('rsync', ['-ai', '--delete', '-e', rsh(), `${tree}/`, at('sync/')]);
  expect(second.stdout.match(/^\*deleting|^<f/gm)).toEqual(['*deleting', '<f']);
  const back = await run('rsync', ['-a', '-e', rsh(), at('sync/'), lab.file('sync-back/')]);
  expect(back.status).toBe(0);
  expect((await run('diff', ['-r', tree, lab.file('sync-back')])).stdout).toBe('');
});

describe('two machines', () => {
  it('have host keys of their own, which ssh-keyscan shows and the disk has', async () => {
    const scan = async (address: string) =>
      (await run('ssh-keyscan', ['-p', String(lab.port), '-t', 'ed25519,ecdsa', address])).stdout
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('#'))
        .map((line) => line.split(' ').slice(1).join(' '))
        .sort();
    const [mine, theirs] = [await scan(lab.vm.address), await scan(other.address)];
    expect(mine).toHaveLength(2);
    expect(mine.some((key) => theirs.includes(key))).toBe(false);
    const onDisk = await lab.inside('cut -d" " -f1,2 /etc/ssh/ssh_host_*_key.pub | sort');
    expect(onDisk.trim().split('\n').sort()).toEqual(mine);
  });
  it('a rebuilt one has new ones, and the client warns', async () => {
    expect((await lab.ssh('hostname', { vm: other })).stdout).toBe('second-vm\n');
    await lab.lab.vms.rebuild(other, {});
    const ran = await lab.ssh('hostname', { vm: other });
    expect(ran.status).toBe(255);
    expect(ran.stderr).toContain('REMOTE HOST IDENTIFICATION HAS CHANGED!');
    await run('ssh-keygen', ['-f', lab.file('known_hosts'), '-R', `[${other.address}]:${lab.port}`]);
    expect((await lab.ssh('hostname', { vm: other })).stdout).toBe('second-vm\n');
  });
  it("on the lab's own address the login name says which", async () => {
    const on = (user: string) =>
      run('ssh', [...lab.options(), '-i', lab.key, '-p', String(lab.port), `${user}@127.0.0.1`, 'hostname']);
    expect((await on('student%anil-vm')).stdout).toBe('anil-vm\n');
    expect((await on('student%second-vm.os-2026')).stdout).toBe('second-vm\n');
    expect((await on('student%second-vm.other')).status).toBe(255);
    expect((await on('student%nothing')).status).toBe(255);
    expect((await on('student')).stderr).toContain('Permission denied (publickey)');
  });
  it('one that is switched off refuses, and answers again when it is started', async () => {
    await lab.host.stop(other.id, 'hard');
    expect((await lab.ssh('true', { vm: other })).stderr).toContain('Connection refused');
    await lab.host.start(other.id);
    expect((await lab.ssh('echo up', { vm: other })).stdout).toBe('up\n');
  });
});

describe('forwarded ports', () => {
  const freePort = (): Promise<number> =>
    new Promise((resolve) => {
      const server = createServer().listen(0, '127.0.0.1', () => {
        const address = server.address();
        server.close(() => resolve(address && typeof address === 'object' ? address.port : 0));
      });
    });
  /** What a connection to a local port is answered, to the end. */
  const ask = (port: number, question: string): Promise<string> =>
    new Promise((resolve) => {
      let text = '';
      const socket = connect(port, '127.0.0.1');
      socket.on('data', (bytes: Buffer) => {
        text += bytes.toString();
      });
      socket.on('error', (error: NodeJS.ErrnoException) =>
        resolve(error.code === 'ECONNREFUSED' ? 'refused' : text),
      );
      socket.on('close', () => resolve(text));
      socket.end(question);
    });

  it("-L reaches the machine's own loopback, and nothing else", async () => {
    await lab.inside(
      `cat > /tmp/serve.pl <<'EOF'
use IO::Socket::INET;
my $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 8000, Listen => 5, ReuseAddr => 1) or die;
while (my $c = $s->accept) { my $all = join '', <$c>; print $c uc $all; close $c }
EOF
setsid perl /tmp/serve.pl > /dev/null 2>&1 < /dev/null & for i in $(seq 100); do ss -ltn | grep -q :8000 && break; sleep 0.1; done`,
    );
    const outside = createServer((socket) => socket.end('outside')).listen(0, '127.0.0.1');
    if (!outside.listening) await new Promise((resolve) => outside.once('listening', resolve));
    const outsideAddress = outside.address();
    const outsidePort = outsideAddress && typeof outsideAddress === 'object' ? outsideAddress.port : 0;
    const [good, nobody, far] = [await freePort(), await freePort(), await freePort()];
    const forwards = [
      ...['-L', `${good}:localhost:8000`, '-L', `${nobody}:localhost:8001`],
      ...['-L', `${far}:192.0.2.1:${outsidePort}`],
    ];
    const child = start('ssh', ['-N', '-o', 'ExitOnForwardFailure=yes', ...forwards, ...lab.to([])]);
    let said = '';
    child.stderr?.on('data', (bytes: Buffer) => {
      said += bytes.toString();
    });
    const up = async (port: number): Promise<void> => {
      for (let tries = 0; tries < 200 && (await ask(port, '')) === 'refused'; tries++)
        await new Promise((resolve) => setTimeout(resolve, 50));
    };
    await up(good);
    const text = 'words '.repeat(50_000);
    expect([(await ask(good, text)) === text.toUpperCase(), said.replace(/^Warning.*/, '').trim()]).toEqual([
      true,
      '',
    ]);
    expect(await ask(nobody, 'x')).toBe('');
    expect(await ask(far, 'x')).toBe('');
    await lab.logged(`to connect to host 192.0.2.1 port ${outsidePort}, but the request was denied`);
    child.kill();
    outside.close();
  });
  it('-R is refused', async () => {
    const ran = await run('ssh', [
      '-o',
      'ExitOnForwardFailure=yes',
      '-R',
      '0:localhost:1',
      ...lab.to(['true']),
    ]);
    expect(ran.status).toBe(255);
    expect(ran.stderr).toContain('remote port forwarding failed');
  });
});
