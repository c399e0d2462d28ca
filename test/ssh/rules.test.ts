/** sshd's rules without a machine: authorized_keys, StrictModes, sshd_config, the gate of sftp, limits, names. */

import ssh2 from 'ssh2';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { hostsBlock, withBlock } from '../../clients/cli/hosts.ts';
import { sshHostKeyFiles } from '../../src/host/ssh-host-keys.ts';
import { type FileInfo, type Host, HostError } from '../../src/host/types.ts';
import { parseLoginName } from '../../src/server/ssh/account.ts';
import { AuthLog } from '../../src/server/ssh/auth-log.ts';
import {
  matchAddress,
  mayOpen,
  parseAuthorizedKeys,
  parseKeyOptions,
} from '../../src/server/ssh/authorized-keys.ts';
import { ipv6Address } from '../../src/server/ssh/index.ts';
import { DEFAULT_SSH_LIMITS, Doorkeeper } from '../../src/server/ssh/limits.ts';
import { SftpGate } from '../../src/server/ssh/sftp-gate.ts';
import { matches, readSshdConfig } from '../../src/server/ssh/sshd-config.ts';
import { unsafePath } from '../../src/server/ssh/strict-modes.ts';

const [, ed25519, , ecdsa] = sshHostKeyFiles(Buffer.alloc(32, 1), 'test').map(({ content }) =>
  content.trim(),
);

describe('authorized_keys', () => {
  it('reads keys with and without options, and skips what it does not understand', () => {
    const text = [
      '# a comment',
      '',
      ed25519,
      `command="echo \\"hi, there\\"",no-pty,from="10.0.0.0/8,!10.1.*" ${ecdsa} a comment of words`,
      `no-such-option ${ed25519}`,
      `command="unfinished ${ed25519}`,
      'ssh-ed25519 AAAAnonsense someone',
      `ssh-rsa ${ed25519.split(' ')[1]} wrong-type`,
      `cert-authority ${ed25519}`,
    ].join('\n');
    const keys = parseAuthorizedKeys(text);
    expect(keys.map(({ line, type, comment }) => [line, type, comment])).toEqual([
      [3, 'ssh-ed25519', 'root@test'],
      [4, 'ecdsa-sha2-nistp256', 'root@test a comment of words'],
    ]);
    expect(keys[0].options).toMatchObject({
      command: null,
      pty: true,
      portForwarding: true,
      permitOpen: null,
    });
    expect(keys[1].options).toMatchObject({
      command: 'echo "hi, there"',
      pty: false,
      portForwarding: true,
      from: '10.0.0.0/8,!10.1.*',
    });
  });
  it('takes everything with restrict, and gives back by name', () => {
    expect(parseKeyOptions('restrict,pty')).toMatchObject({ pty: true, portForwarding: false });
    expect(parseKeyOptions('permitopen="localhost:80",permitopen="*:5432"')?.permitOpen).toEqual([
      'localhost:80',
      '*:5432',
    ]);
    expect(parseKeyOptions('permitopen="localhost"')).toBeNull();
    expect(parseKeyOptions('expiry-time="20300102"')?.expiresMs).toBe(Date.UTC(2030, 0, 2));
    expect(parseKeyOptions('expiry-time="soon"')).toBeNull();
    expect(parseKeyOptions('pty,')).toBeNull();
  });
  it.each([
    ['10.2.3.4', '10.0.0.0/8', true],
    ['10.2.3.4', '10.0.0.0/8,!10.2.*', false],
    ['127.0.0.1', '127.0.0.?', true],
    ['::ffff:127.0.0.1', '127.0.0.1', true],
    ['fd00::1', 'fd00::/16', true],
    ['fd01::1', 'fd00::/16', false],
    ['10.2.3.4', '0.0.0.0/0', true],
    ['10.2.3.4', '::/0', false],
    ['10.2.3.4', '!10.2.3.5', false],
    ['10.2.3.4', '10.2.3.4/99', false],
  ])('from: %s is of %s: %s', (address, list, expected) => {
    expect(matchAddress(address, list)).toBe(expected);
  });
  it('opens the ports that permitopen names', () => {
    expect(mayOpen(null, 'localhost', 1)).toBe(true);
    expect(mayOpen(['localhost:80'], 'LOCALHOST', 80)).toBe(true);
    expect(mayOpen(['localhost:80'], 'localhost', 81)).toBe(false);
    expect(mayOpen(['[::1]:*'], '::1', 9)).toBe(true);
  });
});

/** A machine that has only files. */
function machine(files: Record<string, Partial<FileInfo> & { text?: string }>): Host {
  const find = (path: string) => {
    const file = files[path];
    if (!file) throw new HostError('guest', `${path}: No such file or directory`, 'ENOENT');
    return file;
  };
  return {
    stat: async (_id: string, path: string) => ({
      name: path,
      kind: 'file',
      mode: 0o644,
      uid: 0,
      gid: 0,
      size: 0,
      mtimeSec: 0,
      ...find(path),
    }),
    readFile: async (_id: string, path: string) => Buffer.from(find(path).text ?? ''),
    listDirectory: async (_id: string, path: string) =>
      Object.keys(files)
        .filter((name) => name.startsWith(`${path}/`))
        .map((name) => ({ name: name.slice(path.length + 1) })),
  } as unknown as Host;
}

describe('StrictModes', () => {
  const account = { name: 'student', uid: 1000, gid: 1000, home: '/home/student', shell: '/bin/bash' };
  const own = { uid: 1000, gid: 1000 };
  const path = '/home/student/.ssh/authorized_keys';
  const files = (change: Record<string, Partial<FileInfo> & { text?: string }> = {}) =>
    machine({
      '/home/student': { kind: 'directory', mode: 0o755, ...own },
      '/home/student/.ssh': { kind: 'directory', mode: 0o700, ...own },
      [path]: { mode: 0o600, ...own },
      '/etc/group': { text: 'student:x:1000:\nstaff:x:50:alice\n' },
      '/etc/passwd': { text: 'student:x:1000:1000::/home/student:/bin/bash\n' },
      ...change,
    });
  const check = (change?: Parameters<typeof files>[0]) => unsafePath(files(change), 'vm', path, account);
  it('trusts what only the user could have written, with the words of sshd where it does not', async () => {
    expect(await check()).toBeNull();
    expect(await check({ [path]: { mode: 0o666, ...own } })).toEqual({
      refused: `bad ownership or modes for file ${path}`,
    });
    expect(await check({ [path]: { mode: 0o600, uid: 1001 } })).toHaveProperty('refused');
    expect(await check({ '/home/student/.ssh': { kind: 'directory', mode: 0o777, ...own } })).toEqual({
      refused: 'bad ownership or modes for directory /home/student/.ssh',
    });
    expect(await check({ '/home/student': { kind: 'directory', mode: 0o777, ...own } })).toEqual({
      refused: 'bad ownership or modes for directory /home/student',
    });
  });
  it("lets the user's own group write, as Debian does, and no other", async () => {
    expect(await check({ [path]: { mode: 0o664, ...own } })).toBeNull();
    expect(await check({ [path]: { mode: 0o664, uid: 1000, gid: 50 } })).toHaveProperty('refused');
  });
  it('follows a link to where the keys are', async () => {
    const change = {
      [path]: { kind: 'symlink', target: '../keys', ...own } as Partial<FileInfo>,
      '/home/student/keys': { mode: 0o600, ...own },
    };
    expect(await check(change)).toBeNull();
    expect(await check({ ...change, '/home/student/keys': { mode: 0o602, ...own } })).toEqual({
      refused: 'bad ownership or modes for file /home/student/keys',
    });
    expect(await check({ [path]: { kind: 'symlink', target: path, ...own } })).toEqual({ missing: true });
  });
});

describe('sshd_config', () => {
  it('counts the first value, reads includes where they stand, and stops at Match', async () => {
    const config = await readSshdConfig(
      machine({
        '/etc/ssh/sshd_config': {
          text: 'Include /etc/ssh/sshd_config.d/*.conf\nLogLevel INFO\nMaxAuthTries=3\nAcceptEnv LANG LC_*\nSubsystem sftp internal-sftp -R\nMatch User bob\nPermitRootLogin yes\n',
        },
        '/etc/ssh/sshd_config.d/b.conf': { text: 'LogLevel DEBUG\n' },
        '/etc/ssh/sshd_config.d/a.conf': { text: '# first\nLogLevel VERBOSE\nLoginGraceTime 1m30s\n' },
        '/etc/ssh/sshd_config.d/c.txt': { text: 'StrictModes no\n' },
      }),
      'vm',
    );
    expect(config).toMatchObject({
      verbose: true,
      maxAuthTries: 3,
      loginGraceSec: 90,
      strictModes: true,
      permitRootLogin: 'prohibit-password',
      acceptEnv: ['LANG', 'LC_*'],
      sftp: '/usr/lib/openssh/sftp-server -R',
      authorizedKeysFiles: ['.ssh/authorized_keys', '.ssh/authorized_keys2'],
    });
  });
  it('has defaults where there is no file', async () => {
    const config = await readSshdConfig(machine({}), 'vm');
    expect(config).toMatchObject({
      strictModes: true,
      pubkeyAuthentication: true,
      sftp: null,
      hostKeys: null,
    });
  });
  it.each([
    ['LC_*', 'LC_ALL', true],
    ['LC_*', 'LANG', false],
    ['a*b?c', 'aXXbYc', true],
    ['*'.repeat(50), 'a'.repeat(50), true],
    [`${'*a'.repeat(30)}b`, 'a'.repeat(60), false],
  ])('pattern %s on %s: %s', (pattern, text, expected) => {
    expect(matches(pattern, text)).toBe(expected);
  });
});

describe('the gate of sftp', () => {
  const packet = (type: number, id: number, rest: Buffer = Buffer.alloc(4)): Buffer => {
    const head = Buffer.alloc(9);
    head.writeUInt32BE(5 + rest.length, 0);
    head[4] = type;
    head.writeUInt32BE(id, 5);
    return Buffer.concat([head, rest]);
  };
  const name = (text: string): Buffer => {
    const bytes = Buffer.alloc(4 + text.length);
    bytes.writeUInt32BE(text.length, 0);
    bytes.write(text, 4);
    return bytes;
  };
  it.each([
    1, 3, 7, 1000,
  ])('holds what must last until the disk is synced (pieces of %i bytes)', async (piece) => {
    const events: string[] = [];
    const gate = new SftpGate(async () => {
      events.push('sync');
    });
    const init = Buffer.from([0, 0, 0, 5, 1, 0, 0, 0, 3]);
    const requests = Buffer.concat([
      init,
      packet(3, 1, name('/tmp/x')),
      packet(6, 2, Buffer.alloc(5000)),
      packet(200, 3, name('fsync@openssh.com')),
      packet(200, 4, name('statvfs@openssh.com')),
      packet(4, 5, name('h')),
      packet(7, 6, name('/')),
    ]);
    for (let at = 0; at < requests.length; at += piece) gate.request(requests.subarray(at, at + piece));
    let passed = Buffer.alloc(0);
    const answers = [2, 1, 2, 3, 4, 5, 6].map((id, i) => packet(i === 0 ? 2 : 101, id, Buffer.alloc(i * 9)));
    const all = Buffer.concat(answers.slice(1));
    for (let at = 0; at < all.length; at += piece)
      await gate.answer(all.subarray(at, at + piece), async (bytes) => {
        passed = Buffer.concat([passed, bytes]);
        events.push(`${passed.length}`);
      });
    expect(passed.equals(all)).toBe(true);
    const syncs = events.filter((event) => event === 'sync').length;
    expect(syncs).toBe(piece === 1000 ? 1 : 2);
    // No more than the head of the answer to fsync has passed before the disk was synced.
    const before = Number(events[events.indexOf('sync') - 1] ?? 0);
    expect(before).toBeLessThan(answers[1].length + answers[2].length + 9);
  });
});

describe('limits', () => {
  it('counts who has not authenticated, by machine and address, and forgets who has gone', () => {
    const keeper = new Doorkeeper({ ...DEFAULT_SSH_LIMITS, startupsPerVm: 2, startupsPerAddress: 3 });
    const first = keeper.enter('a', '1.1.1.1');
    expect(keeper.enter('a', '1.1.1.2')).not.toBeNull();
    expect(keeper.enter('a', '1.1.1.3')).toBeNull();
    first?.authenticated();
    const third = keeper.enter('a', '1.1.1.3');
    expect(third).not.toBeNull();
    third?.gone();
    third?.gone();
    first?.gone();
    expect([keeper.connections, keeper.startups]).toEqual([1, 1]);
  });
  it('closes the door to an address and account that fail too often, and to no other', () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    const keeper = new Doorkeeper({
      ...DEFAULT_SSH_LIMITS,
      failuresPerAccount: 3,
      failuresPerAccountMinute: 1,
      failuresPerAddress: 5,
    });
    for (let i = 0; i < 3; i++) keeper.failed('a', 'student', '1.1.1.1');
    expect(keeper.refuses('a', 'student', '1.1.1.1')).toBe(true);
    expect(keeper.refuses('a', 'root', '1.1.1.1')).toBe(false);
    expect(keeper.refuses('a', 'student', '1.1.1.2')).toBe(false);
    for (let i = 0; i < 3; i++) keeper.failed('b', 'root', '1.1.1.1');
    expect(keeper.enter('c', '1.1.1.1')).toBeNull();
    vi.setSystemTime(Date.now() + 60_000);
    expect(keeper.refuses('a', 'student', '1.1.1.1')).toBe(false);
    expect(keeper.enter('c', '1.1.1.1')).not.toBeNull();
  });
});

it('auth.log is moved aside before it fills the disk', async () => {
  const disk = new Map<string, Buffer>();
  const at = (path: string): Buffer => disk.get(path) ?? Buffer.alloc(0);
  const host = {
    appendFile: async (_id: string, path: string, bytes: Uint8Array) =>
      void disk.set(path, Buffer.concat([at(path), bytes])),
    writeFile: async (_id: string, path: string, bytes: Uint8Array) =>
      void disk.set(path, Buffer.from(bytes)),
    readFile: async (_id: string, path: string) => at(path),
    stat: async (_id: string, path: string) => ({ size: at(path).length }),
  } as unknown as Host;
  const log = new AuthLog(host);
  const most = 2 * 2 ** 20;
  disk.set('/var/log/auth.log', Buffer.alloc(most - 60, 'x'));
  log.write({ id: 'a', name: 'anil-vm' }, 300, 'Invalid user \x1b[2J from 127.0.0.1');
  await log.flush();
  expect([at('/var/log/auth.log').length, at('/var/log/auth.log.1').length > most]).toEqual([0, true]);
  expect(at('/var/log/auth.log.1').toString()).toMatch(
    /x\d{4}-\d\d-\d\dT[\d:]{8}\.\d{6}\+00:00 anil-vm sshd-session\[300\]: Invalid user \\033\[2J from 127\.0\.0\.1\n$/,
  );
  log.write({ id: 'a', name: 'anil-vm' }, 301, 'more');
  await log.flush();
  expect(at('/var/log/auth.log').toString()).toContain('[301]: more\n');
});

describe('names', () => {
  it.each([
    ['student', { user: 'student', vm: null, course: null }],
    ['student%anil-vm', { user: 'student', vm: 'anil-vm', course: null }],
    ['student%anil-vm.os-2026', { user: 'student', vm: 'anil-vm', course: 'os-2026' }],
    ['student%', { user: 'student', vm: null, course: null }],
  ])('%s', (text, expected) => {
    expect(parseLoginName(text)).toEqual(expected);
  });
  it('an IPv6 prefix ends in the IPv4 address', () => {
    expect(ipv6Address('fd00:1::', '127.16.2.3')).toBe('fd00:1::7f10:203');
    expect(ipv6Address('fd00:1::/64', '127.16.0.2')).toBe('fd00:1::7f10:2');
    expect(ipv6Address('fd00:1:2:3:4:5::/96', '127.16.0.2')).toBe('fd00:1:2:3:4:5:7f10:2');
  });
  it('the block of /etc/hosts is replaced where it stands', () => {
    const vms = [
      { name: 'anil-vm', address: '127.16.0.2', course: 'os' },
      { name: 'anil-vm', address: '127.16.0.3', course: 'db' },
    ];
    const block = hostsBlock(vms);
    expect(block).toBe(
      '# BEGIN oopsbox\n127.16.0.2\tanil-vm anil-vm.os\n127.16.0.3\tanil-vm.db\n# END oopsbox\n',
    );
    const before = '127.0.0.1 localhost\n';
    const once = withBlock(before, block);
    expect(withBlock(once, block)).toBe(once);
    const more = `${once}10.0.0.1 other\n`;
    expect(withBlock(more, hostsBlock([]))).toBe(`${before}# BEGIN oopsbox\n# END oopsbox\n10.0.0.1 other\n`);
  });
});

it('host keys come from the seed alone, and are keys', () => {
  const files = sshHostKeyFiles(Buffer.alloc(32, 1), 'test');
  expect(sshHostKeyFiles(Buffer.alloc(32, 1), 'test')).toEqual(files);
  expect(sshHostKeyFiles(Buffer.alloc(32, 2), 'test')[0].content).not.toBe(files[0].content);
  for (const [i, { path, mode, content }] of files.entries()) {
    expect(mode).toBe(path.endsWith('.pub') ? 0o644 : 0o600);
    const key = ssh2.utils.parseKey(content);
    if (key instanceof Error) throw key;
    if (i % 2 === 1) continue;
    expect(key.isPrivateKey()).toBe(true);
    const shown = files[i + 1].content.split(' ')[1];
    expect(key.getPublicSSH().toString('base64')).toBe(shown);
  }
});
