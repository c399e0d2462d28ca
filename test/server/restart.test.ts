/** The server stops and starts again: machines go on where they were, and clients find their way; signing in with real keys. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { settingsOf } from '../../src/server/main.ts';
import type { ProblemDocument } from '../../src/server/problem.ts';
import { openServer, ServerStartError } from '../../src/server/server.ts';
import { startLab, type TestLab } from './lab-fixture.ts';

let folder: string;
let lab: TestLab;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'oopsbox-restart-'));
  lab = await startLab({}, folder);
});
afterAll(async () => {
  await lab?.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('a restart', () => {
  it('puts machines to sleep and wakes them where they were: memory, terminals, tokens', async () => {
    const { vm, tokens } = lab.demo;
    const term = lab.terminal('student', `/vms/${vm.id}/terminal`);
    const { terminal } = (await term.message('ready')) as { terminal: { id: string } };
    await term.shows('$ ');
    term.type('X=remembered-$((6*7)); cd /tmp; echo ok-$((1+1))\r');
    await term.shows('ok-2');
    await lab.call('student', 'PUT', `/vms/${vm.id}/hostname`, { hostname: 'renamed' });
    await lab.close();
    // 1012: the service restarts; a client comes again by itself.
    expect(await term.closed).toBe(1012);

    lab = await startLab({}, folder);
    expect(lab.demo.vm).toEqual(vm);
    expect(lab.demo.tokens).toEqual(tokens);
    const view = await lab.call<{ state: string }>('student', 'GET', `/vms/${vm.id}`);
    expect(view.body.state).toBe('SUSPENDED');
    const again = lab.terminal(
      'student',
      `/vms/${vm.id}/terminal?terminal=${terminal.id}&offset=${term.offset}`,
    );
    expect(await again.message('ready')).toMatchObject({ terminal: { id: terminal.id } });
    again.type('echo $X in $PWD\r');
    await again.shows('remembered-42 in /tmp');
    again.type('exit\r');
    await again.closed;
    expect(await lab.run(vm.id, 'hostname; cat /etc/hostname')).toBe('renamed\nrenamed\n');
    await lab.call('student', 'POST', `/vms/${vm.id}/reboot`, { type: 'hard' });
    expect(await lab.run(vm.id, 'hostname; cat /etc/hostname')).toBe('renamed\nrenamed\n');
  });

  it('the file of tokens is for its owner alone', () => {
    expect(statSync(join(folder, 'demo.json')).mode & 0o777).toBe(0o600);
    const demo = JSON.parse(readFileSync(join(folder, 'demo.json'), 'utf8'));
    expect(demo).toMatchObject({ url: lab.server.url, vm: { name: 'anil-vm' } });
    expect(Object.keys(demo.tokens)).toEqual(expect.arrayContaining(['instructor', 'student', 'grader']));
  });

  it('one server at a time has a data folder', async () => {
    await expect(
      openServer({ dataFolder: folder, bindHost: '127.0.0.1', port: 0, sshPort: null }),
    ).rejects.toThrow(/another server has .*OOPSBOX_DATA/);
  });

  it('a port that is taken is said in a sentence', async () => {
    const other = mkdtempSync(join(tmpdir(), 'oopsbox-port-'));
    const port = Number(new URL(lab.server.url).port);
    await expect(
      openServer({ dataFolder: other, bindHost: '127.0.0.1', port, sshPort: null, workers: 1 }),
    ).rejects.toThrow(/port \d+ is taken.*OOPSBOX_PORT/);
    rmSync(other, { recursive: true, force: true });
  });

  it.each([
    [{ OOPSBOX_PORT: 'http' }, /OOPSBOX_PORT/],
    [{ OOPSBOX_PORT: '70000' }, /OOPSBOX_PORT/],
    [{ OOPSBOX_HOST: 'my host' }, /OOPSBOX_HOST/],
    [{ OOPSBOX_RATE_LIMIT: 'many' }, /OOPSBOX_RATE_LIMIT/],
    [{ OOPSBOX_WORKERS: '0' }, /OOPSBOX_WORKERS/],
    [{ OOPSBOX_HIBERNATE_SEC: '-1' }, /OOPSBOX_HIBERNATE_SEC/],
    [{ OOPSBOX_TRUST_PROXY: 'yes' }, /OOPSBOX_TRUST_PROXY/],
  ])('the environment %j is refused by name', (environment, message) => {
    expect(() => settingsOf(environment)).toThrow(ServerStartError);
    expect(() => settingsOf(environment)).toThrow(message);
  });
});

describe('signing in with ssh-keygen', () => {
  const make = (type: string, ...more: string[]) => {
    const file = join(mkdtempSync(join(folder, 'key-')), 'id');
    execFileSync('ssh-keygen', ['-q', '-t', type, ...more, '-N', '', '-C', 'anil', '-f', file]);
    return { file, publicKey: readFileSync(`${file}.pub`, 'utf8').trim() };
  };
  const sign = (file: string, text: string, namespace = 'oopsbox') =>
    execFileSync('ssh-keygen', ['-Y', 'sign', '-q', '-n', namespace, '-f', file], {
      input: text,
      encoding: 'utf8',
    });
  const challengeFor = async (publicKey: string) =>
    (await lab.call<{ challenge: string }>(null, 'POST', '/auth/challenge', { publicKey })).body.challenge;
  const signIn = (publicKey: string, signature: string) =>
    lab.call<{ token: string } & ProblemDocument>(null, 'POST', '/auth/token', { publicKey, signature });

  it('a registered key gives a token, once for each challenge', async () => {
    const { file, publicKey } = make('ed25519');
    const added = await lab.call('student', 'POST', '/keypairs', { name: 'laptop', publicKey });
    expect(added.status, added.text).toBe(201);
    const signature = sign(file, await challengeFor(publicKey));
    const session = await signIn(publicKey, signature);
    expect(session.status, session.text).toBe(200);
    const me = await fetch(`${lab.server.url}/api/v1/me`, {
      headers: { authorization: `Bearer ${session.body.token}` },
    });
    expect(await me.text()).toContain('"anil"');
    const replay = await signIn(publicKey, signature);
    expect(replay.status).toBe(401);
    expect(replay.headers.get('content-type')).toMatch(/problem\+json/);
  });

  it('a key nobody registered, a wrong namespace, another text, another key: all the same 401', async () => {
    const mine = make('ed25519');
    await lab.call('student', 'POST', '/keypairs', { name: 'mine', publicKey: mine.publicKey });
    const stranger = make('ed25519');
    const tries = [
      signIn(stranger.publicKey, sign(stranger.file, await challengeFor(stranger.publicKey))),
      signIn(mine.publicKey, sign(mine.file, await challengeFor(mine.publicKey), 'git')),
      signIn(mine.publicKey, sign(mine.file, 'never asked for')),
      signIn(mine.publicKey, sign(stranger.file, await challengeFor(mine.publicKey))),
      signIn(mine.publicKey, '-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n'),
    ];
    for (const answer of await Promise.all(tries)) {
      expect(answer.status, answer.text).toBe(401);
      expect(answer.body.type).toMatch(/^\/problems\/(bad-signature|bad-challenge|unauthenticated)$/);
      expect(answer.text).not.toContain('anil');
    }
  });

  it('keys of wrong types are refused where they would be registered', async () => {
    for (const publicKey of [
      make('rsa', '-b', '1024').publicKey,
      'ssh-dss AAAAB3NzaC1kc3MAAACBAO== old',
      'ssh-ed25519 AAAA short',
      readFileSync(make('ed25519').file, 'utf8'),
      'not a key at all',
    ]) {
      const answer = await lab.call<ProblemDocument>('student', 'POST', '/keypairs', {
        name: 'bad',
        publicKey,
      });
      expect(answer.status, answer.text).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
      expect(answer.body.type, answer.text).toMatch(/bad-key|not-acceptable|invalid-request/);
      expect(answer.text).not.toContain('PRIVATE');
    }
  });

  it('a ticket is good once', async () => {
    const { body } = await lab.call<{ ticket: string }>('student', 'POST', '/auth/ticket');
    const url = `${lab.server.url}/api/v1/vms/${lab.demo.vm.id}/console?tail=1&ticket=${body.ticket}`;
    expect((await fetch(url)).status).toBe(200);
    const replay = await fetch(url);
    expect(replay.status).toBe(401);
    expect(((await replay.json()) as ProblemDocument).type).toBe('/problems/bad-ticket');
  });
});
