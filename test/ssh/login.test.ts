/** Logging in with Debian's own ssh: keys, sshd's refusals and their words, sessions, terminals, and the story in the machine's logs. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run, type SshLabFixture, sshLab } from './fixture.ts';
import { Pty } from './pty.ts';

let lab: SshLabFixture;
beforeAll(async () => {
  lab = await sshLab();
}, 120_000);
afterAll(() => lab?.close());

const AUTHORIZED = '/home/student/.ssh/authorized_keys';
/** Installs authorized_keys in the machine with the stranger's key, with options in front. */
const authorize = (line: string): Promise<string> =>
  lab.inside(
    `mkdir -p -m 700 ~/.ssh; chmod 755 ~; cat > ~/.ssh/authorized_keys <<'EOF'\n${line}\nEOF\nchmod 600 ~/.ssh/authorized_keys`,
    'student',
  );
const stranger = () => ({ key: lab.strangerKey });

describe('a command', () => {
  it('runs as the user, with separate streams and its exit status', async () => {
    const ran = await lab.ssh('id -un; hostname; pwd; echo oops >&2; exit 7');
    expect(ran.stdout).toBe('student\nanil-vm\n/home/student\n');
    expect(ran.stderr).toContain('oops\n');
    expect(ran.status).toBe(7);
    expect((await lab.ssh('true')).status).toBe(0);
    expect((await lab.ssh('no-such-command')).status).toBe(127);
    expect((await lab.ssh('kill -TERM $$')).status).toBe(255);
  });
  it('has what sshd puts into its environment, and what the client may send', async () => {
    const env = await lab.out('env', {
      extra: ['-o', 'SendEnv=LC_* EVIL'],
      env: { LC_TEST: 'yes', EVIL: 'no' },
    });
    expect(env).toMatch(/^SSH_CLIENT=127\.0\.0\.1 \d+ \d+$/m);
    expect(env).toMatch(
      new RegExp(`^SSH_CONNECTION=127\\.0\\.0\\.1 \\d+ ${lab.vm.address} ${lab.port}$`, 'm'),
    );
    expect(env).toContain('LC_TEST=yes\n');
    expect(env).toContain('USER=student\n');
    expect(env).not.toContain('EVIL');
    expect(env).not.toContain('SSH_TTY');
  });
  it('reads standard input to its end, and passes binary data unchanged', async () => {
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7 + (i >> 8)) & 0xff));
    const { createHash } = await import('node:crypto');
    const sum = createHash('sha256').update(bytes).digest('hex');
    expect(await lab.out('sha256sum; cat', { input: bytes })).toBe(`${sum}  -\n`);
  });
  it('several channels share one connection', async () => {
    const control = lab.file('control');
    const master = ['-o', `ControlPath=${control}`];
    await run(
      'ssh',
      lab.to(['true'], { extra: [...master, '-o', 'ControlMaster=auto', '-o', 'ControlPersist=20'] }),
    );
    const runs = await Promise.all(
      [1, 2, 3, 4].map((i) => lab.out(`sleep 0.1; echo ${i}`, { extra: master })),
    );
    expect(runs).toEqual(['1\n', '2\n', '3\n', '4\n']);
    await run('ssh', [...lab.options(master), '-O', 'exit', lab.vm.address]);
    const accepted = (await lab.authLog()).split('\n').filter((line) => line.includes('Starting session'));
    expect(accepted.length).toBeGreaterThan(4);
  });
});

describe('keys', () => {
  it('a key that nobody knows is refused, and told', async () => {
    const ran = await lab.ssh('true', stranger());
    expect(ran.status).toBe(255);
    expect(ran.stderr).toContain(`student@${lab.vm.address}: Permission denied (publickey).`);
    const fingerprint = spawnSync('ssh-keygen', ['-lf', `${lab.strangerKey}.pub`])
      .stdout.toString()
      .split(' ')[1];
    await lab.logged(/Failed publickey for student from 127\.0\.0\.1 port \d+ ssh2: ED25519 SHA256:/);
    await lab.logged(fingerprint);
    await lab.logged(/Connection closed by authenticating user student 127\.0\.0\.1 port \d+ \[preauth\]/);
  });
  it("the lab's keys open people's accounts only; a user that is not there is told", async () => {
    expect((await lab.ssh('true', { user: 'root' })).status).toBe(255);
    expect((await lab.ssh('true', { user: 'daemon' })).status).toBe(255);
    expect((await lab.ssh('true', { user: 'nobody-here' })).status).toBe(255);
    await lab.logged(/Invalid user nobody-here from 127\.0\.0\.1 port \d+/);
    await lab.logged(/Failed publickey for invalid user nobody-here from/);
    await lab.logged(/Connection closed by invalid user nobody-here/);
  });
  it('ssh-copy-id works, and chmod mistakes teach what they teach on a real machine', async () => {
    const copied = await run('ssh-copy-id', [
      ...['-f', '-i', `${lab.strangerKey}.pub`, '-p', String(lab.port), '-o', `IdentityFile=${lab.key}`],
      ...lab.options().filter((word, i, all) => word !== '-F' && all[i - 1] !== '-F'),
      `student@${lab.vm.address}`,
    ]);
    expect([copied.status, copied.stdout]).toEqual([0, expect.stringContaining('Number of key(s) added: 1')]);
    expect(await lab.inside(`stat -c '%a %U' ${AUTHORIZED}`)).toBe('600 student\n');
    expect(await lab.out('id -un', stranger())).toBe('student\n');
    await lab.inside(`chmod 666 ${AUTHORIZED}`);
    expect((await lab.ssh('true', stranger())).status).toBe(255);
    await lab.logged(`Authentication refused: bad ownership or modes for file ${AUTHORIZED}\n`);
    await lab.inside(`chmod 600 ${AUTHORIZED}; chmod 777 /home/student`);
    expect((await lab.ssh('true', stranger())).status).toBe(255);
    await lab.logged('Authentication refused: bad ownership or modes for directory /home/student\n');
    await lab.inside('chmod 755 /home/student; rm -r /home/student/.ssh');
    expect((await lab.ssh('true', stranger())).status).toBe(255);
  });
  it('options of authorized_keys are followed', async () => {
    const key = lab.publicKey(lab.strangerKey);
    await authorize(`command="echo forced: $SSH_ORIGINAL_COMMAND",no-pty ${key}`);
    expect(await lab.out('rm -rf /', stranger())).toBe('forced: rm -rf /\n');
    const refused = await run('ssh', ['-tt', ...lab.to([], stranger())]);
    expect(refused.stderr).toContain('PTY allocation request failed');
    await authorize(`from="10.0.0.0/8" ${key}`);
    expect((await lab.ssh('true', stranger())).status).toBe(255);
    await lab.logged('with correct key but not from a permitted host (host=127.0.0.1');
    await authorize(`from="127.0.0.*",expiry-time="20200101" ${key}`);
    expect((await lab.ssh('true', stranger())).status).toBe(255);
    await authorize(`from="127.0.0.*",expiry-time="29991231" ${key}`);
    expect((await lab.ssh('true', stranger())).status).toBe(0);
    await lab.inside('rm -r /home/student/.ssh');
  });
  it('root comes in with a key of its own, unless sshd_config says no', async () => {
    const key = lab.publicKey(lab.strangerKey);
    await lab.inside(`mkdir -p -m 700 /root/.ssh; echo '${key}' > /root/.ssh/authorized_keys`);
    expect(await lab.out('id -u', { ...stranger(), user: 'root' })).toBe('0\n');
    await lab.inside("echo 'PermitRootLogin no' > /etc/ssh/sshd_config.d/no-root.conf");
    expect((await lab.ssh('true', { ...stranger(), user: 'root' })).status).toBe(255);
    await lab.logged('ROOT LOGIN REFUSED FROM 127.0.0.1');
    await lab.inside('rm -r /root/.ssh /etc/ssh/sshd_config.d/no-root.conf');
  });
  it('a signature by another key, and a key of every kind', async () => {
    for (const type of ['rsa', 'ecdsa']) {
      const path = lab.file(`key-${type}`);
      spawnSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-f', path]);
      await authorize(lab.publicKey(path));
      expect(await lab.out('echo in', { key: path })).toBe('in\n');
    }
    // The public half of a key that is allowed, with the private half of another.
    const path = lab.file('forged', readFileSync(lab.strangerKey));
    spawnSync('chmod', ['600', path]);
    lab.file('forged.pub', readFileSync(`${lab.key}.pub`));
    expect((await lab.ssh('true', { key: path })).status).toBe(255);
    await lab.inside('rm -r /home/student/.ssh');
  });
  it('too many keys end the connection', async () => {
    const keys = Array.from({ length: 7 }, (_, i) => {
      const path = lab.file(`many-${i}`);
      spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path]);
      return ['-i', path];
    });
    const ran = await run('ssh', [...keys.flat(), ...lab.to(['true'])]);
    expect(ran.status).toBe(255);
    await lab.logged('Too many authentication failures [preauth]');
  });
});

describe('a terminal', () => {
  it('is a login: motd, last login, its own tty, who and last, the size, Ctrl-C, exit status', async () => {
    const first = new Pty('ssh', lab.to([]), { rows: 30, cols: 100 });
    await first.until('student@anil-vm:~$ ');
    expect(first.text).toContain('Oopsbox: a Linux machine that is yours to crash.');
    await first.type('tty; echo $SSH_TTY; stty size; echo $TERM\n', /30 100\r\n.*\r\n.*\$ $/);
    expect(first.text).toMatch(/\/dev\/pts\/\d+\r\n\/dev\/pts\/\d+\r\n30 100/);
    await first.type('who\n', /student +pts\/\d+ .*\(127\.0\.0\.1\)/);
    await first.type('ps -o tty,stat,args\n', /pts\/\d+ +Ss +-bash/);
    await first.type('sleep 1000\n', 'sleep 1000');
    await first.type('\x03', /\^C\r\n.*\$ $/);
    await first.resize(40, 132);
    await first.type('stty size\n', '40 132');
    await first.type('exit 5\n', 'logout');
    expect(await first.exit).toBe(5);
    expect(await lab.inside('last -n 1')).toMatch(
      /^student +pts\/\d+ +127\.0\.0\.1 .* - \d\d:\d\d +\(00:00\)/,
    );
    expect(await lab.inside('who')).toBe('');
    const second = new Pty('ssh', lab.to([]));
    await second.until('$ ');
    expect(second.text).toMatch(/Last login: \w{3} \w{3} [ \d]\d [\d:]{8} \d{4} from 127\.0\.0\.1\r+\n/);
    await second.type('\x04', 'logout');
    expect(await second.exit).toBe(0);
    await lab.logged(/Accepted publickey for student from 127\.0\.0\.1 port \d+ ssh2: ED25519 SHA256:/);
    await lab.logged('pam_unix(sshd:session): session opened for user student(uid=1000) by student(uid=0)');
    await lab.logged(/Received disconnect from 127\.0\.0\.1 port \d+:11: disconnected by user/);
    await lab.logged('pam_unix(sshd:session): session closed for user student');
  });
  it('a command may have one', async () => {
    const pty = new Pty('ssh', ['-t', ...lab.to(['tty; read -p "name? " name; echo "hello $name"'])]);
    await pty.until('name? ');
    await pty.type('anil\n', 'hello anil');
    expect(await pty.exit).toBe(0);
    expect(pty.text).toMatch(/\/dev\/pts\/\d+/);
  });
  it('a connection that drops hangs the terminal up', async () => {
    const pty = new Pty('ssh', lab.to([]));
    await pty.until('$ ');
    await pty.type(
      `trap 'echo hup > /tmp/hung-up; exit' HUP; (trap '' HUP; exec sleep 3333) & echo ready\n`,
      /ready\r\n.*\$ $/,
    );
    pty.kill('SIGKILL');
    await pty.exit;
    const seen = await lab.inside(
      'for i in $(seq 100); do [ -s /tmp/hung-up ] && break; sleep 0.1; done; cat /tmp/hung-up; pgrep -c -x sleep; pkill -x sleep; for i in $(seq 50); do [ -z "$(who)" ] && break; sleep 0.1; done; who',
    );
    expect(seen).toBe('hup\n1\n');
  });
});

describe('passwords', () => {
  it('are not asked for unless the course allows them; then /etc/shadow decides', async () => {
    await lab.inside("echo 'student:correct horse' | chpasswd -c YESCRYPT -s 1");
    const ask = (password: string) =>
      run(
        'ssh',
        [
          ...lab.options([
            '-o',
            'BatchMode=no',
            '-o',
            'PreferredAuthentications=password',
            '-o',
            'NumberOfPasswordPrompts=1',
          ]),
          ...['-p', String(lab.port), `student@${lab.vm.address}`, 'id -un'],
        ],
        {
          env: {
            SSH_ASKPASS: lab.file('askpass', `#!/bin/sh\necho '${password}'\n`),
            SSH_ASKPASS_REQUIRE: 'force',
            DISPLAY: ':0',
          },
        },
      );
    lab.file('askpass', '#!/bin/sh\n');
    spawnSync('chmod', ['755', lab.file('askpass')]);
    expect((await ask('correct horse')).stderr).toContain('Permission denied (publickey)');
    await lab.lab.courses.update(lab.vm.courseId, { settings: { sshPasswords: true } });
    const right = await ask('correct horse');
    expect([right.stdout, right.status]).toEqual(['student\n', 0]);
    const wrong = await ask('battery staple');
    expect(wrong.status).toBe(255);
    expect(wrong.stderr).toContain('Permission denied (publickey,password)');
    await lab.logged(/Accepted password for student from 127\.0\.0\.1 port \d+ ssh2\n/);
    await lab.logged(/Failed password for student from 127\.0\.0\.1 port \d+ ssh2\n/);
    await lab.lab.courses.update(lab.vm.courseId, { settings: { sshPasswords: false } });
  });
});
