/** The thin client as a person uses it: another process, a key of one's own, a real terminal where one is needed. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Demo, LabProcess, OOPSBOX } from './lab.ts';

describe('oopsbox over the API', () => {
  const lab = new LabProcess();
  let demo: Demo;
  let key: string;
  let env: NodeJS.ProcessEnv;

  beforeAll(async () => {
    demo = await lab.start();
    key = join(lab.folder, 'id_ed25519');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    const answer = await fetch(`${demo.url}/api/v1/keypairs`, {
      method: 'POST',
      headers: { authorization: `Bearer ${demo.tokens.student}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'laptop', publicKey: readFileSync(`${key}.pub`, 'utf8') }),
    });
    expect(answer.status).toBe(201);
    const { SSH_AUTH_SOCK: _, OOPSBOX_TOKEN: __, ...rest } = process.env;
    env = { ...rest, HOME: lab.folder, XDG_CONFIG_HOME: join(lab.folder, 'config'), OOPSBOX_URL: demo.url };
  });
  afterAll(() => lab.close());

  const oopsbox = (args: string[], input?: string) =>
    spawnSync(process.execPath, [OOPSBOX, ...args], { env, input: input ?? '', encoding: 'utf8' });

  test('signs in with a key file and lists the VMs', () => {
    const listed = oopsbox(['vm', 'list', '--identity', key]);
    expect(listed.stderr).toBe('');
    expect(listed.stdout).toMatch(/^NAME +STATE +ADDRESS +ID\nanil-vm +ACTIVE +127\./);
  });

  test('signs in with what an agent holds', () => {
    const script = `eval "$(ssh-agent -s)" >&2; ssh-add -q ${key}; "$0" "$1" vm list; status=$?; ssh-agent -k >&2; exit $status`;
    const run = spawnSync('bash', ['-c', script, process.execPath, OOPSBOX], {
      env: { ...env, HOME: join(lab.folder, 'nobody'), XDG_CONFIG_HOME: join(lab.folder, 'other') },
      encoding: 'utf8',
    });
    expect(run.stdout).toContain('anil-vm');
    expect(run.status).toBe(0);
  });

  test('exec passes output, input and exit status through', () => {
    expect(oopsbox(['exec', 'anil-vm', 'hostname; cat; echo err >&2; exit 3'], 'typed\n')).toMatchObject({
      stdout: 'anil-vm\ntyped\n',
      stderr: 'err\n',
      status: 3,
    });
    expect(oopsbox(['exec', 'anil-vm', 'printf', '%s|', 'a b', 'c'])).toMatchObject({ stdout: 'a b|c|' });
    expect(oopsbox(['exec', '--user', 'root', 'anil-vm', 'id', '-un'])).toMatchObject({ stdout: 'root\n' });
  });

  test('ssh is a terminal whose exit status is passed on', async () => {
    // script(1) gives the client a real terminal.
    const child = spawn('script', ['-qec', `${process.execPath} ${OOPSBOX} ssh anil-vm`, '/dev/null'], {
      env: { ...env, TERM: 'xterm' },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let screen = '';
    const seen = (text: string) =>
      new Promise<void>((resolve) => {
        const look = () => screen.includes(text) && resolve();
        child.stdout.on('data', (chunk: Buffer) => {
          screen += chunk;
          look();
        });
        look();
      });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    await Promise.race([seen('student@anil-vm'), ended]);
    child.stdin.write('stty size; tty; exit $((40+2))\n');
    expect(await ended).toBe(42);
    expect(screen).toContain('/dev/pts/');
  });

  test('wrong names, servers and keys are told in one line', () => {
    expect(oopsbox(['exec', 'nobody-vm', 'true'])).toMatchObject({
      status: 2,
      stderr: 'oopsbox: you have no machine nobody-vm; npx oopsbox vm list shows yours\n',
    });
    const elsewhere = oopsbox(['vm', 'list', '--identity', key, '--url', 'http://127.0.0.1:1']);
    expect(elsewhere).toMatchObject({ status: 2 });
    expect(elsewhere.stderr).toMatch(/^oopsbox: cannot reach http:\/\/127\.0\.0\.1:1 .*\n$/);
    const stranger = join(lab.folder, 'stranger');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', stranger]);
    expect(oopsbox(['vm', 'list', '--identity', stranger]).stderr).toMatch(/knows none of your 1 keys/);
  });

  test('a VM is rebooted and a link opens it', () => {
    expect(oopsbox(['vm', 'reboot', '--hard', 'anil-vm']).stdout).toBe('anil-vm is ACTIVE\n');
    expect(oopsbox(['link', 'anil-vm']).stdout).toMatch(
      new RegExp(`^${demo.url}/\\?vm=${demo.vm.id}#token=oops_`),
    );
  });
});
