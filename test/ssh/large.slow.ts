/** 50 MB both ways by scp, sftp and rsync, compared byte for byte; many machines at once. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { run, type SshLabFixture, sshLab } from './fixture.ts';

const SIZE = 50_000_000;
const LONG = { timeoutMs: 240_000 };
let lab: SshLabFixture;
beforeAll(async () => {
  lab = await sshLab();
  lab.file('large', randomBytes(SIZE));
}, 120_000);
afterAll(() => lab?.close());

const same = (name: string): boolean => readFileSync(lab.file(name)).equals(readFileSync(lab.file('large')));
const at = (path: string): string => `student@${lab.vm.address}:${path}`;

it.each([
  ['sftp', []],
  ['the old scp protocol', ['-O']],
  ['compression', ['-C']],
])(
  'scp over %s',
  async (name, extra) => {
    const scp = (...args: string[]) =>
      run('scp', [...lab.options(), '-q', ...extra, '-i', lab.key, '-P', String(lab.port), ...args], LONG);
    expect((await scp(lab.file('large'), at('large'))).status).toBe(0);
    expect((await scp(at('large'), lab.file(`back ${name}`))).status).toBe(0);
    expect(same(`back ${name}`)).toBe(true);
  },
  500_000,
);

it('rsync', async () => {
  const shell = ['ssh', ...lab.options(), '-i', lab.key, '-p', String(lab.port)].join(' ');
  const rsync = (...args: string[]) => run('rsync', ['-e', shell, ...args], LONG);
  expect((await rsync(lab.file('large'), at('rsynced'))).status).toBe(0);
  expect((await rsync(at('rsynced'), lab.file('back rsync'))).status).toBe(0);
  expect(same('back rsync')).toBe(true);
}, 500_000);

it('a stream through a command, both ways at once, with rekeys', async () => {
  const child = await run(
    'bash',
    [
      '-c',
      `ssh ${lab.to(['cat'], { extra: ['-o', 'RekeyLimit=5M'] }).join(' ')} < '${lab.file('large')}' > '${lab.file('back cat')}'`,
    ],
    LONG,
  );
  expect(child.status).toBe(0);
  expect(same('back cat')).toBe(true);
}, 500_000);
