/** Machines over REST, with a real host: their life, files, names, commands, and the view into their kernels. */

import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ProblemDocument } from '../../src/server/problem.ts';
import { inspectParts, ModuleView, ProcessView } from '../../src/vm/inspect-schema.ts';
import { startLab, type TestLab, type Who } from './lab-fixture.ts';

let lab: TestLab;
let vm: string;
beforeAll(async () => {
  lab = await startLab();
  vm = lab.demo.vm.id;
});
afterAll(() => lab?.close());

const student = <T = Record<string, unknown>>(method: string, path: string, body?: unknown, headers = {}) =>
  lab.call<T>('student', method, path, body, headers);
const files = (path: string, query = '') => `/vms/${vm}/files${path}${query}`;

/** Expects a refusal of this kind. */
async function refused(
  kind: string,
  method: string,
  path: string,
  body?: unknown,
  who: Who = 'student',
  headers = {},
): Promise<ProblemDocument> {
  const answer = await lab.call<ProblemDocument>(who, method, path, body, headers);
  expect(answer.headers.get('content-type'), answer.text).toMatch(/^application\/problem\+json/);
  expect(answer.body.type, answer.text).toBe(`/problems/${kind}`);
  return answer.body;
}

interface Vm {
  id: string;
  name: string;
  state: string;
  address: string;
  kernel: { health: string; release: string };
}

describe('the life of a machine', () => {
  it('made, shown, found, forked, kept, put back, switched off and on, rebuilt, deleted', async () => {
    const made = await lab.call<Vm>('instructor', 'POST', '/vms', {
      course: 'demo',
      name: 'wagner',
      owner: 'anil',
      kernel: '6.12.107+deb13-riscv64',
    });
    expect(made.status, made.text).toBe(201);
    expect(made.headers.get('location')).toBe(`/api/v1/vms/${made.body.id}`);
    expect(made.body).toMatchObject({ name: 'wagner', state: 'ACTIVE', kernel: { health: 'running' } });
    const { id } = made.body;
    expect(await lab.run(id, 'uname -r; hostname')).toBe('6.12.107+deb13-riscv64\nwagner\n');
    expect(
      (await student<{ items: Vm[] }>('GET', '/vms?name=wagner')).body.items.map((one) => one.id),
    ).toEqual([id]);

    await lab.run(id, 'echo first > note; sync');
    const snapshot = await student<{ id: string; bytes: number }>('POST', `/vms/${id}/snapshots`, {
      name: 'first',
    });
    expect(snapshot.status, snapshot.text).toBe(201);
    await lab.run(id, 'echo second > note');
    const fork = await lab.call<Vm>('ta', 'POST', `/vms/${id}/fork`, { name: 'wagner-copy' });
    expect(fork.status, fork.text).toBe(201);
    expect(fork.body.address).not.toBe(made.body.address);
    expect((await student('POST', `/vms/${id}/snapshots/first/restore`)).status).toBe(200);
    expect(await lab.run(id, 'cat note')).toBe('first\n');
    const there = await lab.call<{ stdout: string }>('ta', 'POST', `/vms/${fork.body.id}/exec`, {
      command: 'cat ~student/note',
    });
    // An assistant may write in what is theirs: the fork.
    expect(there.body.stdout, there.text).toBe('second\n');

    expect((await student<Vm>('POST', `/vms/${id}/stop`, { type: 'hard' })).body.state).toBe('SHUTOFF');
    await refused('wrong-state', 'POST', `/vms/${id}/exec`, { command: 'true' });
    await refused('wrong-state', 'POST', `/vms/${id}/reboot`, {});
    expect((await student<Vm>('POST', `/vms/${id}/start`)).body.state).toBe('ACTIVE');
    expect(await lab.run(id, 'cat note')).toBe('first\n');
    const rebooted = await student<Vm>('POST', `/vms/${id}/reboot`, { type: 'soft' });
    expect(rebooted.body).toMatchObject({ state: 'ACTIVE', kernel: { health: 'running' } });
    expect((await student('POST', `/vms/${id}/rebuild`)).status).toBe(200);
    expect(await lab.run(id, 'ls note; hostname')).toContain('No such file');

    const renamed = await student<Vm>('PATCH', `/vms/${id}`, { name: 'kundry' });
    expect(renamed.body.name).toBe('kundry');
    expect((await lab.call('instructor', 'DELETE', `/vms/${fork.body.id}`)).status).toBe(204);
    expect((await student('DELETE', `/vms/${id}`)).status).toBe(204);
    await refused('no-such-vm', 'GET', `/vms/${id}`);
  });

  it('an Idempotency-Key makes one machine of two calls', async () => {
    const call = (name: string) =>
      lab.call<Vm>(
        'instructor',
        'POST',
        '/vms',
        { course: 'demo', name, owner: 'anil' },
        { 'idempotency-key': 'mk-1' },
      );
    const [first, second] = [await call('twice'), await call('twice')];
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(second.text).toBe(first.text);
    expect(second.headers.get('idempotency-replayed')).toBe('true');
    expect((await call('other')).status).toBe(422);
    await refused('exists', 'POST', '/vms', { course: 'demo', name: 'twice', owner: 'anil' }, 'instructor');
    await lab.call('instructor', 'DELETE', `/vms/${first.body.id}`);
  });

  it('lists come in pages', async () => {
    const ids: string[] = [];
    for (const name of ['p1', 'p2', 'p3']) ids.push(await lab.makeVm(name, { owner: 'ines' }));
    const seen: string[] = [];
    let cursor: string | null = '';
    do {
      const query: string = `limit=2&owner=ines${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`;
      const { body }: { body: { items: Vm[]; nextCursor: string | null } } = await lab.call(
        'instructor',
        'GET',
        `/vms?${query}`,
      );
      seen.push(...body.items.map((one) => one.id));
      cursor = body.nextCursor;
    } while (cursor !== null);
    expect(seen.sort()).toEqual(ids.sort());
    await refused('bad-cursor', 'GET', '/vms?cursor=%00nonsense', undefined, 'instructor');
    for (const id of ids) await lab.call('instructor', 'DELETE', `/vms/${id}`);
  });

  it.each([
    ['a name that is none', { course: 'demo', name: 'Not A Name' }, 'invalid-request'],
    ['no course', { name: 'x' }, 'invalid-request'],
    ['an unknown course', { course: 'nowhere', name: 'x' }, 'no-such-course'],
    ['a kernel that is not there', { course: 'demo', name: 'x', kernel: '2.4.0' }, 'not-acceptable-value'],
    ['quotas beyond all', { course: 'demo', name: 'x', quotas: { memoryMiB: 1e9 } }, 'invalid-request'],
  ])('%s', async (_what, body, kind) => {
    await refused(kind, 'POST', '/vms', body, 'instructor');
  });
});

describe('files', () => {
  it('bytes go in and come out, with owner and mode', async () => {
    const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * 7 + (i >> 8)) & 0xff));
    const put = await student('PUT', files('/home/student/b.bin', '?mode=0600'), bytes);
    expect(put.status, put.text).toBe(201);
    expect(put.body).toMatchObject({ kind: 'file', mode: '0600', uid: 1000, gid: 1000, size: 100_000 });
    const got = await fetch(`${lab.server.url}/api/v1${files('/home/student/b.bin')}`, {
      headers: { authorization: `Bearer ${lab.demo.tokens.ta}` },
    });
    expect(Buffer.from(await got.arrayBuffer()).equals(bytes)).toBe(true);
    expect(got.headers.get('oopsbox-mode')).toBe('0600');
    expect(await lab.run(vm, 'stat -c "%U %a %s" b.bin; rm b.bin')).toBe('student 600 100000\n');
    const again = await student('PUT', files('/etc/motd', '?owner=root&mode=644'), 'Hello\n');
    expect(again.status).toBe(200);
    expect(await lab.run(vm, 'cat /etc/motd; stat -c "%U:%G %a" /etc/motd')).toBe('Hello\nroot:root 644\n');
    await refused('invalid-request', 'PUT', files('/tmp/x', '?owner=nobodyknows'), 'x');
    await refused('invalid-request', 'PUT', files('/tmp/x', '?mode=0999'), 'x');
    expect((await student('DELETE', files('/etc/motd'))).status).toBe(204);
    await refused('no-such-file', 'GET', files('/etc/motd'));
  });

  it('directories are lists; what is in the way is said with its errno', async () => {
    expect((await student('PUT', files('/home/student/d', '?kind=directory'))).status).toBe(201);
    await student('PUT', files('/home/student/d/with%20space%20%C3%A4'), 'x');
    const list = await student<{ kind: string; entries: { name: string; path: string }[] }>(
      'GET',
      files('/home/student/d'),
    );
    expect(list.body.kind).toBe('directory');
    expect(list.body.entries.map((one) => one.name)).toEqual(['with space ä']);
    expect(await refused('file-conflict', 'PUT', files('/home/student/d'), 'x')).toMatchObject({
      errno: 'EISDIR',
    });
    await refused('file-conflict', 'PUT', files('/home/student/d', '?kind=directory'));
    expect(await refused('file-conflict', 'DELETE', files('/home/student/d'))).toMatchObject({
      errno: 'EISDIR',
    });
    await refused('no-such-file', 'PUT', files('/nowhere/file'), 'x');
    await refused('file-conflict', 'PUT', files('/dev/null'), 'x');
    expect((await refused('file-conflict', 'GET', files('/dev/zero'))).detail).toBeTruthy();
    expect((await student('DELETE', files('/home/student/d', '?recursive=true'))).status).toBe(204);
    await refused('bad-path', 'DELETE', files('/', '?recursive=true'));
  });

  it('a tree comes and goes as tar', async () => {
    await lab.run(vm, 'mkdir -p t/sub; echo one > t/a; ln -s a t/link; chmod 700 t/sub; echo two > t/sub/b');
    const tar = await fetch(`${lab.server.url}/api/v1${files('/home/student/t', '?format=tar')}`, {
      headers: { authorization: `Bearer ${lab.demo.tokens.student}` },
    });
    expect(tar.headers.get('content-type')).toBe('application/x-tar');
    const bytes = new Uint8Array(await tar.arrayBuffer());
    await lab.run(vm, 'mkdir u');
    const put = await student<{ files: number }>('PUT', files('/home/student/u', '?kind=tree'), bytes, {
      'content-type': 'application/x-tar',
    });
    expect(put.status, put.text).toBe(200);
    expect(
      await lab.run(
        vm,
        'cd u; find . -type f -o -type l | sort; cat $(find . -name b); find . -name sub -printf "%m %u\\n"',
      ),
    ).toMatch(/a\n.*link\n.*b\ntwo\n700 student\n$/s);
    await refused('unsupported-media-type', 'PUT', files('/home/student/u', '?kind=tree'), 'no tar');
    const garbage = await student(
      'PUT',
      files('/home/student/u', '?kind=tree'),
      new Uint8Array(2048).fill(7),
      {
        'content-type': 'application/x-tar',
      },
    );
    expect(garbage.status, garbage.text).toBeGreaterThanOrEqual(400);
    expect(garbage.status).toBeLessThan(500);
    await lab.run(vm, 'rm -r t u');
  });
});

describe('names', () => {
  it('the host name changes in the files and in the kernel, as with an administrator', async () => {
    expect((await student('GET', `/vms/${vm}/hostname`)).body).toEqual({ hostname: 'anil-vm' });
    expect((await student('PUT', `/vms/${vm}/hostname`, { hostname: 'gurnemanz' })).body).toEqual({
      hostname: 'gurnemanz',
    });
    expect(await lab.run(vm, 'hostname; cat /etc/hostname; getent hosts gurnemanz')).toMatch(
      /^gurnemanz\ngurnemanz\n127\.0\.1\.1\s+gurnemanz/,
    );
    for (const hostname of ['-x', 'a b', '', 'x'.repeat(65), '$(reboot)', '1.2.3.4'])
      expect(
        (await refused('invalid-request', 'PUT', `/vms/${vm}/hostname`, { hostname })).errors?.[0].field,
      ).toBe('hostname');
    await student('PUT', `/vms/${vm}/hostname`, { hostname: 'anil-vm' });
  });

  it('/etc/hosts as entries; comments stay', async () => {
    await lab.run(vm, 'echo "# by hand" | sudo tee -a /etc/hosts >/dev/null');
    const { body } = await student<{ entries: { address: string; names: string[] }[] }>(
      'GET',
      `/vms/${vm}/hosts`,
    );
    const entries = [
      ...body.entries,
      { address: '127.16.0.77', names: ['peer', 'peer.lab'], comment: 'a friend' },
    ];
    const put = await student<{ entries: object[] }>('PUT', `/vms/${vm}/hosts`, { entries });
    expect(put.body.entries).toEqual(entries);
    expect(await lab.run(vm, 'getent hosts peer; grep "by hand" /etc/hosts')).toMatch(
      /^127\.16\.0\.77\s+peer peer\.lab\n# by hand\n$/,
    );
    const wrong = await refused('invalid-request', 'PUT', `/vms/${vm}/hosts`, {
      entries: [
        { address: '1.2.3', names: ['ok'] },
        { address: '1.2.3.4', names: ['fine', 'not_ok'] },
      ],
    });
    expect(wrong.errors?.map((error) => error.field)).toEqual(['entries/0/address', 'entries/1/names/1']);
    await refused('invalid-request', 'PUT', `/vms/${vm}/hosts`, {
      entries: [{ address: '1.2.3.4', names: [] }],
    });
    await refused('invalid-request', 'PUT', `/vms/${vm}/hosts`, {
      entries: [{ address: '1.2.3.4', names: ['a'], comment: 'x\n127.0.0.1 evil' }],
    });
  });
});

interface Exec {
  outcome: string;
  exitCode: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
  truncated: { stdout: boolean };
  instructions: number;
  virtualSeconds: number;
  kernelLog: { text: string }[];
}
const exec = (id: string, body: object) => student<Exec>('POST', `/vms/${id}/exec`, body);

describe('exec', () => {
  it('user, folder, environment, stdin, exit status, signal', async () => {
    const answer = await exec(vm, {
      argv: ['sh', '-c', 'pwd; id -un; echo $X; cat; echo oops >&2; exit 3'],
      user: 'root',
      cwd: '/etc',
      env: { X: 'y z' },
      stdin: 'typed',
    });
    expect(answer.body).toMatchObject({
      outcome: 'exited',
      exitCode: 3,
      signal: null,
      stdout: '/etc\nroot\ny z\ntyped',
      stderr: 'oops\n',
    });
    expect(answer.body.instructions).toBeGreaterThan(10_000);
    expect((await exec(vm, { command: 'kill -SEGV $$' })).body).toMatchObject({
      exitCode: null,
      signal: 'SIGSEGV',
    });
    expect((await exec(vm, { argv: ['/no/such/program'] })).body.exitCode).not.toBe(0);
    await refused('no-such-user', 'POST', `/vms/${vm}/exec`, { command: 'id', user: 'ghost' });
    const logged = await exec(vm, { command: 'echo "<4>from exec" > /dev/kmsg', user: 'root' });
    expect(logged.body.kernelLog.map((line) => line.text)).toContain('from exec');
  });

  it('a spent budget is an answer', async () => {
    const spin = await exec(vm, { command: 'while :; do :; done', budget: { instructions: 50e6 } });
    expect(spin.status).toBe(200);
    expect(spin.body.outcome).toBe('budget');
    expect(spin.body.instructions).toBeGreaterThanOrEqual(50e6);
    const loud = await exec(vm, { command: 'yes', budget: { instructions: 100e6, outputBytes: 1000 } });
    expect(loud.body.truncated.stdout).toBe(true);
    expect(loud.body.stdout.length).toBeLessThanOrEqual(1000);
    expect(await lab.run(vm, 'pgrep -c yes || true')).toBe('0\n');
  });

  it('a deterministic machine gives the same answer twice', async () => {
    const answers: string[] = [];
    for (const name of ['same-1', 'same-2']) {
      const id = await lab.makeVm(name, { deterministic: true });
      const { text } = await exec(id, {
        command: 'date; sleep 5; date; head -c 8 /dev/urandom | xxd; cat /proc/uptime',
      });
      answers.push(text);
      await lab.call('instructor', 'DELETE', `/vms/${id}`);
    }
    expect(answers[0]).toBe(answers[1]);
  });
});

describe('the kernel view', () => {
  const fits = (schema: TSchema, value: unknown) => {
    const check = Compile(schema);
    expect(check.Check(value), JSON.stringify(check.Errors(value)).slice(0, 400)).toBe(true);
  };
  it('every part fits its schema, for those who may read', async () => {
    for (const [part, schema] of Object.entries(inspectParts)) {
      const path = part === 'identity' ? '' : `/${part}`;
      const answer = await lab.call('ta', 'GET', `/vms/${vm}/kernel${path}`);
      expect(answer.status, answer.text.slice(0, 300)).toBe(200);
      fits(schema, answer.body);
    }
    const { body } = await lab.call<{ pid: number; comm: string }[]>(
      'ta',
      'GET',
      `/vms/${vm}/kernel/processes`,
    );
    expect(body[0]).toMatchObject({ pid: 1, comm: 'init' });
    const init = await lab.call('ta', 'GET', `/vms/${vm}/kernel/processes/1`);
    fits(ProcessView, init.body);
    await refused('no-such-process', 'GET', `/vms/${vm}/kernel/processes/99999`, undefined, 'ta');
    await refused('no-such-module', 'GET', `/vms/${vm}/kernel/modules/nothing`, undefined, 'ta');
    await refused('invalid-request', 'GET', `/vms/${vm}/kernel/processes/1x`, undefined, 'ta');
  });

  it('shows a module with what it holds, and the log from a place', async () => {
    const name = 'crc7';
    const done = await student<{ kernel: { modulesAdded: string[] } }>('POST', `/vms/${vm}/exec`, {
      command: `modprobe ${name}`,
      user: 'root',
    });
    expect(done.body.kernel.modulesAdded).toContain(name);
    const module = await lab.call('ta', 'GET', `/vms/${vm}/kernel/modules/${name}`);
    expect(module.status, module.text).toBe(200);
    fits(ModuleView, module.body);
    const log = await lab.call<{ sequence: number }[]>('ta', 'GET', `/vms/${vm}/kernel/log`);
    const last = log.body.at(-1)!.sequence;
    const tail = await lab.call<{ sequence: number }[]>('ta', 'GET', `/vms/${vm}/kernel/log?since=${last}`);
    expect(tail.body.map((record) => record.sequence)).toEqual([last]);
  });
});

describe('who may', () => {
  it('an assistant reads and forks; writing is for the owner', async () => {
    expect((await lab.call('ta', 'GET', files('/etc/hostname'))).status).toBe(200);
    for (const [method, path, body] of [
      ['POST', `/vms/${vm}/exec`, { command: 'id' }],
      ['PUT', files('/tmp/x'), 'x'],
      ['POST', `/vms/${vm}/stop`, { type: 'hard' }],
      ['PUT', `/vms/${vm}/hostname`, { hostname: 'mine' }],
      ['DELETE', `/vms/${vm}`, undefined],
    ] as const)
      await refused('forbidden', method, path, body, 'ta');
  });
  it('a machine of nobody is told from none of somebody else by nothing', async () => {
    const other = await lab.makeVm('not-yours', { owner: 'ines' });
    const mask = (text: string, id: string) => text.replaceAll(id, 'ID').replace(/"requestId":"\w+"/, '');
    const theirs = await student('GET', `/vms/${other}`);
    const nobodys = await student('GET', '/vms/01a205d5-b387-746a-a514-cea0c962a7ff');
    expect(mask(theirs.text, other)).toBe(mask(nobodys.text, '01a205d5-b387-746a-a514-cea0c962a7ff'));
    expect(theirs.status).toBe(404);
    await lab.call('instructor', 'DELETE', `/vms/${other}`);
  });
});
