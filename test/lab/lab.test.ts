/** The lab's services, on the embedded database and on a real PostgreSQL. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { HostError } from '../../src/host/types.ts';
import { seedDemo } from '../../src/lab/demo.ts';
import { type Lab, openLab, type Principal } from '../../src/lab/index.ts';
import { databases, type TestDatabase } from './databases.ts';
import { cleanUp, MapHost, makeKey, openTestLab, scratchFolder, type TestLab } from './lab-fixture.ts';

afterAll(cleanUp);

const refused = (code: string, kind?: string) =>
  expect.objectContaining({ code, ...(kind === undefined ? {} : { kind }) });

describe.each(databases)('on the $name database', ({ open }) => {
  let database: TestDatabase;
  let lab: Lab;
  let map: TestLab['map'];
  let who: TestLab['who'];
  beforeAll(async () => {
    database = open();
    ({ lab, map, who } = await openTestLab(database.url()));
  });
  afterAll(async () => {
    vi.useRealTimers();
    await lab?.close();
    database?.stop();
  });

  describe('signing in', () => {
    const key = makeKey('ed25519');
    const stranger = makeKey('ed25519');
    beforeAll(async () => {
      await lab.keypairs.add(who.anil.personId, { name: 'laptop', publicKey: key.publicKey });
    });
    const challenge = async (publicKey: string) => (await lab.auth.challenge(publicKey)).challenge;

    test('a signed challenge gives a token that is its person', async () => {
      const { token, person } = await lab.auth.signIn(
        key.publicKey,
        key.sign(await challenge(key.publicKey)),
      );
      expect(person.login).toBe('anil');
      expect(await lab.auth.authenticate(token)).toMatchObject({
        login: 'anil',
        tokenKind: 'session',
        courseId: null,
      });
    });

    test('a challenge that echo gave a newline is taken, too', async () => {
      const text = await challenge(key.publicKey);
      expect((await lab.auth.signIn(key.publicKey, key.sign(`${text}\n`))).person.login).toBe('anil');
    });

    test('a challenge is good once', async () => {
      const signature = key.sign(await challenge(key.publicKey));
      const both = await Promise.allSettled([
        lab.auth.signIn(key.publicKey, signature),
        lab.auth.signIn(key.publicKey, signature),
      ]);
      expect(both.map((one) => one.status).sort()).toEqual(['fulfilled', 'rejected']);
      await expect(lab.auth.signIn(key.publicKey, signature)).rejects.toEqual(
        refused('unauthenticated', 'bad-challenge'),
      );
    });

    test('a challenge is of one key', async () => {
      const text = await challenge(key.publicKey);
      await challenge(stranger.publicKey);
      await expect(lab.auth.signIn(key.publicKey, stranger.sign(text))).rejects.toEqual(
        refused('unauthenticated', 'bad-signature'),
      );
      await expect(lab.auth.signIn(stranger.publicKey, stranger.sign(text))).rejects.toEqual(
        refused('unauthenticated', 'bad-signature'),
      );
    });

    test('a challenge expires', async () => {
      const text = await challenge(key.publicKey);
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 121_000 });
      await expect(lab.auth.signIn(key.publicKey, key.sign(text))).rejects.toEqual(
        refused('unauthenticated', 'bad-challenge'),
      );
      vi.useRealTimers();
    });

    test('a key of nobody proves itself and gets nothing', async () => {
      await expect(
        lab.auth.signIn(stranger.publicKey, stranger.sign(await challenge(stranger.publicKey))),
      ).rejects.toEqual(refused('unauthenticated', 'bad-signature'));
    });

    test('a ticket is good once, for half a minute, and no longer than its token', async () => {
      const { token } = await lab.auth.signIn(key.publicKey, key.sign(await challenge(key.publicKey)));
      const principal = await lab.auth.authenticate(token);
      const { ticket } = await lab.auth.issueTicket(principal);
      expect(await lab.auth.redeemTicket(ticket)).toEqual(principal);
      await expect(lab.auth.redeemTicket(ticket)).rejects.toEqual(refused('unauthenticated', 'bad-ticket'));

      const late = await lab.auth.issueTicket(principal);
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 31_000 });
      await expect(lab.auth.redeemTicket(late.ticket)).rejects.toEqual(
        refused('unauthenticated', 'bad-ticket'),
      );
      vi.useRealTimers();

      const link = await lab.auth.issueTicket(principal);
      const session = await lab.auth.exchangeTicket(link.ticket);
      expect((await lab.auth.authenticate(session.token)).login).toBe('anil');
      const orphan = await lab.auth.issueTicket(principal);
      await lab.auth.signOut(principal);
      await expect(lab.auth.authenticate(token)).rejects.toEqual(refused('unauthenticated'));
      await expect(lab.auth.redeemTicket(orphan.ticket)).rejects.toEqual(
        refused('unauthenticated', 'bad-ticket'),
      );
    });

    test('what is no token is refused without asking the database', async () => {
      for (const token of ['', 'x', `oops_${'a'.repeat(43)}`, `oops_${'a'.repeat(42)}\0`, 'é'])
        await expect(lab.auth.authenticate(token)).rejects.toEqual(refused('unauthenticated'));
    });
  });

  describe('keys', () => {
    test('one key, one account; one name, one key', async () => {
      const key = makeKey('ecdsa', 256);
      const added = await lab.keypairs.add(who.bela.personId, { name: 'desk', publicKey: key.publicKey });
      expect(added.fingerprint).toMatch(/^SHA256:[A-Za-z0-9+/]{43}$/);
      await expect(
        lab.keypairs.add(who.anil.personId, { name: 'mine', publicKey: key.publicKey }),
      ).rejects.toEqual(refused('exists'));
      await expect(
        lab.keypairs.add(who.bela.personId, { name: 'desk', publicKey: makeKey('ed25519').publicKey }),
      ).rejects.toEqual(refused('exists'));
      await expect(lab.keypairs.get(who.anil.personId, added.id)).rejects.toEqual(refused('not-found'));
      await expect(lab.keypairs.remove(who.anil.personId, added.id)).rejects.toEqual(refused('not-found'));
      const [, base64] = added.publicKey.split(' ');
      expect((await lab.keypairs.ownerOf(Buffer.from(base64, 'base64')))?.login).toBe('bela');
      await lab.keypairs.remove(who.bela.personId, 'desk');
      expect(await lab.keypairs.ownerOf(Buffer.from(base64, 'base64'))).toBeNull();
    });
  });

  describe('tokens', () => {
    test('an instructor makes a grader, who is a grader there and nowhere else', async () => {
      const made = await lab.tokens.create(who.ines, { name: 'grader', course: 'os', role: 'grader' });
      const grader = await lab.auth.authenticate(made.token);
      expect(grader).toMatchObject({ role: 'grader', login: 'ines' });
      await expect(lab.authorizeCourse(grader, 'course.manage', 'os')).rejects.toEqual(refused('forbidden'));
      expect((await lab.authorizeCourse(grader, 'vm.create', 'os')).slug).toBe('os');
      await expect(lab.authorizeCourse(grader, 'course.read', 'db')).rejects.toEqual(
        refused('not-found', 'no-such-course'),
      );
      await expect(lab.tokens.create(grader, { name: 'more' })).rejects.toEqual(refused('forbidden'));
      await expect(lab.authorize(grader, 'keypair.manage')).rejects.toEqual(refused('forbidden'));
    });

    test('nobody makes a token for more than they are', async () => {
      const attempts: [Principal, object, string][] = [
        [who.anil, { course: 'os', role: 'grader' }, 'forbidden'],
        [who.anil, { course: 'os', role: 'instructor' }, 'forbidden'],
        [who.tara, { course: 'os', role: 'grader' }, 'forbidden'],
        [who.ines, { course: 'db', role: 'grader' }, 'not-found'],
        [who.ines, { role: 'grader' }, 'invalid'],
      ];
      for (const [principal, wish, code] of attempts)
        await expect(lab.tokens.create(principal, { name: 'wish', ...wish })).rejects.toEqual(refused(code));
    });

    test('a revoked token is refused at once; others cannot revoke it', async () => {
      const made = await lab.tokens.create(who.anil, { name: 'script' });
      const principal = await lab.auth.authenticate(made.token);
      await expect(lab.tokens.revoke(who.bela, made.id)).rejects.toEqual(
        refused('not-found', 'no-such-token'),
      );
      await lab.tokens.revoke(principal, made.id);
      await expect(lab.auth.authenticate(made.token)).rejects.toEqual(refused('unauthenticated'));
    });

    test('a token ends when its time has come, also while it is remembered', async () => {
      const { token } = await lab.tokens.create(who.anil, { name: 'short', expiresInSec: 60 });
      await lab.auth.authenticate(token);
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 61_000 });
      await expect(lab.auth.authenticate(token)).rejects.toEqual(refused('unauthenticated'));
      vi.useRealTimers();
    });

    test('a course token ends with the part in the course', async () => {
      const { id } = await lab.courses.get('os');
      await lab.members.add(id, { login: 'gast', role: 'ta' });
      const guest = await lab.auth.principalOf((await lab.people.get('gast')).id);
      const { token } = await lab.tokens.create(guest, { name: 'here', course: 'os' });
      await lab.members.remove(id, 'gast');
      await expect(lab.auth.authenticate(token)).rejects.toEqual(refused('unauthenticated'));
      await expect(lab.authorizeCourse(guest, 'course.read', 'os')).rejects.toEqual(refused('not-found'));
    });
  });

  describe('members', () => {
    const imported = async (csv: string) => lab.members.importCsv((await lab.courses.get('os')).id, csv);

    test('a list is imported, and again without change', async () => {
      const key = makeKey('ed25519').publicKey.trim();
      const csv = `\ufefflogin,name,email,role,public_key\r\ncara,"Cara, C.",cara@example.org,ta,${key}\r\ndora,Dora,,,\r\n`;
      expect(await imported(csv)).toEqual({ added: 2, updated: 0, unchanged: 0 });
      expect(await imported(csv)).toEqual({ added: 0, updated: 0, unchanged: 2 });
      expect(await imported(csv.replace(',ta,', ',student,'))).toEqual({
        added: 0,
        updated: 1,
        unchanged: 1,
      });
      expect(await lab.people.get('cara')).toMatchObject({ name: 'Cara, C.', email: 'cara@example.org' });
      expect((await lab.keypairs.ownerOf(Buffer.from(key.split(' ')[1], 'base64')))?.login).toBe('cara');
    });

    test('one wrong line imports nothing, and each wrong line is named', async () => {
      const csv = 'login,role\nemil,student\nFrieda!,student\ngerd,dean\nemil,ta\n';
      await expect(imported(csv)).rejects.toMatchObject({
        kind: 'bad-csv',
        errors: [
          { where: 'line 3', message: expect.stringContaining('login must be') },
          { where: 'line 4', message: expect.stringContaining('role must be one of') },
          { where: 'line 5', message: expect.stringContaining('line 2 already') },
        ],
      });
      await expect(lab.people.get('emil')).rejects.toEqual(refused('not-found'));
    });

    test('what the database refuses undoes what came before it', async () => {
      const taken = makeKey('ed25519').publicKey.trim();
      await lab.keypairs.add(who.otto.personId, { name: 'mine', publicKey: taken });
      await expect(imported(`login,public_key\nhans,\nida,${taken}\n`)).rejects.toMatchObject({
        errors: [{ where: 'line 3', message: expect.stringContaining('another account') }],
      });
      await expect(lab.people.get('hans')).rejects.toEqual(refused('not-found'));
    });

    test.each([
      ['nothing', ''],
      ['no header', 'anil,student\n'],
      ['an unknown column', 'login,password\nx,y\n'],
      ['a quote that does not end', 'login,name\nx,"y\n'],
      ['too few fields', 'login,name\nx\n'],
      ['bytes that are no text', 'login\n\0\n'],
    ])('%s is no list', async (_, csv) => {
      if (csv === '') expect(await imported(csv)).toEqual({ added: 0, updated: 0, unchanged: 0 });
      else await expect(imported(csv)).rejects.toEqual(refused('invalid', 'bad-csv'));
    });

    test('an instructor cannot slip a key into an account that is somebody’s', async () => {
      const { id } = await lab.courses.get('os');
      const publicKey = makeKey('ed25519').publicKey;
      for (const login of ['olga', 'otto', 'root'])
        await expect(lab.members.add(id, { login, role: 'student', publicKey })).rejects.toEqual(
          refused('exists'),
        );
    });

    test('who owns machines stays', async () => {
      const { id } = await lab.courses.get('os');
      const vm = await lab.vms.create(who.anil, { course: 'os', name: 'stays' });
      await expect(lab.members.remove(id, 'anil')).rejects.toEqual(refused('wrong-state'));
      await expect(lab.courses.remove(id)).rejects.toEqual(refused('wrong-state'));
      await lab.vms.remove(vm);
    });

    test('a list is paged, each member once', async () => {
      const { id } = await lab.courses.get('os');
      const seen: string[] = [];
      for (let cursor: string | undefined; ; ) {
        const page = await lab.members.list(id, { limit: 2, cursor });
        expect(page.items.length).toBeLessThanOrEqual(2);
        seen.push(...page.items.map((item) => item.person.login));
        if (page.next === null) break;
        cursor = page.next;
      }
      expect(new Set(seen).size).toBe(seen.length);
      expect(seen).toEqual(expect.arrayContaining(['ines', 'anil', 'greta']));
      await expect(lab.members.list(id, { cursor: 'nonsense' })).rejects.toEqual(
        refused('invalid', 'bad-cursor'),
      );
    });
  });

  describe('machines', () => {
    test('a machine has an address of its own and is ACTIVE when it is made', async () => {
      const one = await lab.vms.create(who.anil, { course: 'os', name: 'anil-vm' });
      const two = await lab.vms.create(who.olga, { course: 'db', name: 'anil-vm' });
      expect(one).toMatchObject({ state: 'READY', ownerLogin: 'anil', status: { state: 'ACTIVE' } });
      expect(one.address).toMatch(/^127\.(1[6-9]|2\d|3[01])\.\d+\.\d+$/);
      expect(two.address).not.toBe(one.address);
      expect((await lab.vms.byAddress(one.address))?.id).toBe(one.id);
      expect((await lab.vms.byName('anil-vm', 'db')).map((vm) => vm.id)).toEqual([two.id]);
      expect(await lab.vms.byName('anil-vm')).toHaveLength(2);
    });

    test('names are unique in a course and host names', async () => {
      await expect(lab.vms.create(who.bela, { course: 'os', name: 'anil-vm' })).rejects.toEqual(
        refused('exists'),
      );
      for (const name of ['', '-x', 'X', 'a.b', 'x'.repeat(64), '../etc', 'a\0'])
        await expect(lab.vms.create(who.bela, { course: 'os', name })).rejects.toEqual(refused('invalid'));
    });

    test('each sees what is theirs to see', async () => {
      const names = async (principal: Principal) =>
        (await lab.vms.list(principal, {})).items.map((vm) => `${vm.courseSlug}/${vm.name}`);
      expect(await names(who.anil)).toEqual(['os/anil-vm']);
      expect(await names(who.bela)).toEqual([]);
      expect(await names(who.tara)).toEqual(['os/anil-vm']);
      expect(await names(who.otto)).toEqual(['db/anil-vm']);
      expect(await names(who.root)).toEqual(['os/anil-vm', 'db/anil-vm']);
      await expect(lab.vms.list(who.otto, { course: 'os' })).rejects.toEqual(
        refused('not-found', 'no-such-course'),
      );
      expect((await lab.vms.list(who.tara, { owner: 'bela' })).items).toEqual([]);
    });

    test('a burst of requests does not get past the limit of a course', async () => {
      const { settings, id } = await lab.courses.get('os');
      const answers = await Promise.allSettled(
        Array.from({ length: 12 }, (_, i) => lab.vms.create(who.bela, { course: 'os', name: `bela-${i}` })),
      );
      expect(answers.filter((one) => one.status === 'fulfilled')).toHaveLength(settings.vmsPerPerson);
      await lab.courses.update(id, { settings: { vmsPerPerson: 2 } });
      expect((await lab.courses.get('os')).settings).toMatchObject({ vmsPerPerson: 2, taMayWrite: false });
      await lab.courses.update(id, { settings: { vmsPerPerson: settings.vmsPerPerson } });
      for (const vm of (await lab.vms.list(who.bela, {})).items) await lab.vms.remove(vm);
    });

    test('only instructors make machines for others or of another size', async () => {
      await expect(lab.vms.create(who.bela, { course: 'os', name: 'x', owner: 'anil' })).rejects.toEqual(
        refused('forbidden'),
      );
      await expect(
        lab.vms.create(who.bela, { course: 'os', name: 'x', quotas: { memoryMiB: 1024 } }),
      ).rejects.toEqual(refused('forbidden'));
      await expect(lab.vms.create(who.ines, { course: 'os', name: 'x', owner: 'olga' })).rejects.toEqual(
        refused('not-found', 'no-such-person'),
      );
      const vm = await lab.vms.create(who.ines, {
        course: 'os',
        name: 'for-bela',
        owner: 'bela',
        kernel: '6.12',
        quotas: { memoryMiB: 1024 },
      });
      expect(map.machines.get(vm.id)).toMatchObject({
        hostname: 'for-bela',
        kernel: '6.12',
        quotas: { memoryMiB: 1024 },
      });
      await lab.vms.remove(vm);
    });

    test('a fork belongs to who made it', async () => {
      const [vm] = await lab.vms.byName('anil-vm', 'os');
      const fork = await lab.vms.fork(who.tara, vm, { name: 'look', deterministic: true });
      expect(fork).toMatchObject({ ownerLogin: 'tara', forkedFrom: vm.id, deterministic: true });
      expect(await lab.may(who.tara, 'vm.use', vm)).toBe(false);
      expect(await lab.may(who.tara, 'vm.use', fork)).toBe(true);
      await expect(lab.authorizeVm(who.anil, 'vm.read', fork.id)).rejects.toEqual(refused('not-found'));
      await lab.vms.remove(fork);
      await expect(lab.authorizeVm(who.tara, 'vm.read', fork.id)).rejects.toEqual(
        refused('not-found', 'no-such-vm'),
      );
    });

    test('what the host refuses leaves no record; what breaks leaves an ERROR', async () => {
      map.failure = new HostError('bad-spec', 'no such kernel');
      await expect(lab.vms.create(who.anil, { course: 'os', name: 'refused' })).rejects.toThrow(
        'no such kernel',
      );
      expect(await lab.vms.byName('refused')).toEqual([]);
      map.failure = new Error('a bug');
      await expect(lab.vms.create(who.anil, { course: 'os', name: 'broken' })).rejects.toThrow('a bug');
      const [broken] = await lab.vms.byName('broken');
      expect(broken).toMatchObject({ state: 'ERROR', fault: expect.stringContaining('mistake') });
      await lab.vms.remove(broken);
    });

    test('snapshots have names and ids', async () => {
      const [vm] = await lab.vms.byName('anil-vm', 'os');
      const made = await lab.vms.snapshot(vm, 'before lab 3');
      expect(made.bytes).toBe(4096);
      await expect(lab.vms.snapshot(vm, 'before lab 3')).rejects.toEqual(refused('exists'));
      expect((await lab.vms.getSnapshot(vm, 'before lab 3')).id).toBe(made.id);
      expect((await lab.vms.restore(vm, made.id)).status?.state).toBe('ACTIVE');
      await lab.vms.removeSnapshot(vm, made.id);
      await expect(lab.vms.restore(vm, made.id)).rejects.toEqual(refused('not-found', 'no-such-snapshot'));
      expect(map.snapshots.size).toBe(0);
    });
  });

  describe('books', () => {
    test('an Idempotency-Key gives its first answer again, and no other request', async () => {
      const { begin, finish, abandon } = lab.idempotency;
      const { personId } = who.anil;
      expect(await begin(personId, 'k', 'hash')).toEqual({ state: 'new' });
      await expect(begin(personId, 'k', 'hash')).rejects.toEqual(refused('idempotency-busy'));
      await finish(personId, 'k', 201, '{}');
      expect(await begin(personId, 'k', 'hash')).toEqual({ state: 'done', status: 201, body: '{}' });
      await expect(begin(personId, 'k', 'other')).rejects.toEqual(refused('idempotency-mismatch'));
      expect(await begin(who.bela.personId, 'k', 'other')).toEqual({ state: 'new' });
      await abandon(who.bela.personId, 'k');
      expect(await begin(who.bela.personId, 'k', 'other')).toEqual({ state: 'new' });
    });

    test('the audit log tells the newest first, by course', async () => {
      const { id: courseId } = await lab.courses.get('db');
      for (const action of ['one', 'two', 'three'])
        await lab.audit.record({ principal: who.otto, action, courseId });
      const page = await lab.audit.list({ courseId, limit: 2 });
      expect(page.items.map((entry) => entry.action)).toEqual(['three', 'two']);
      const rest = await lab.audit.list({ courseId, limit: 2, cursor: page.next as string });
      expect(rest.items.map((entry) => `${entry.login} ${entry.action}`)).toEqual(['otto one']);
    });

    test('a terminal session opens and closes', async () => {
      const [vm] = await lab.vms.byName('anil-vm', 'os');
      const session = {
        terminal: 't1',
        vmId: vm.id,
        personId: who.anil.personId,
        user: 'student',
        via: 'ssh' as const,
      };
      const id = await lab.terminalSessions.opened(session);
      expect((await lab.terminalSessions.list(vm.id, {})).items).toMatchObject([{ id, closedAt: null }]);
      await lab.terminalSessions.closed(id);
      expect((await lab.terminalSessions.list(vm.id, {})).items[0].closedAt).not.toBeNull();
    });
  });

  test('the demo is made once, for its owner’s eyes only', async () => {
    const folder = scratchFolder();
    const file = join(folder, 'demo.json');
    const demo = await seedDemo({ lab, dataFolder: folder, url: 'http://one', empty: false });
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(demo);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(demo?.vm.name).toBe('anil-vm');
    const again = await seedDemo({ lab, dataFolder: folder, url: 'http://two', empty: false });
    expect(again).toEqual({ ...demo, url: 'http://two' });
    const student = await lab.auth.authenticate(demo?.tokens.student as string);
    expect(await lab.authorizeVm(student, 'vm.use', demo?.vm.id as string)).toMatchObject({
      ownerLogin: 'anil',
    });
    const grader = await lab.auth.authenticate(demo?.tokens.grader as string);
    await expect(lab.authorizeCourse(grader, 'course.read', 'os')).rejects.toEqual(refused('not-found'));
    writeFileSync(file, 'not json');
    expect((await seedDemo({ lab, dataFolder: folder, url: 'http://two', empty: false }))?.vm).toEqual(
      demo?.vm,
    );
  });
});

/** Waits until the host holds no call back but those that never end. */
const begun = (lab: Lab, name: string) =>
  vi.waitFor(async () => expect(await lab.vms.byName(name)).toHaveLength(1), { timeout: 10_000 });

describe('a lab that was cut off', () => {
  test('finishes what was begun, and keeps addresses and names', async () => {
    const { lab, who, map, dataFolder } = await openTestLab();
    const kept = await lab.vms.create(who.anil, { course: 'os', name: 'kept' });
    const lost = await lab.vms.create(who.anil, { course: 'os', name: 'lost' });
    const half = await lab.vms.create(who.anil, { course: 'os', name: 'half-deleted' });
    const never = () => new Promise<never>(() => {});
    Object.assign(map, { create: never, fork: never, remove: never, snapshot: never });
    void lab.vms.create(who.bela, { course: 'os', name: 'half-made' });
    void lab.vms.fork(who.tara, kept, { name: 'half-forked' });
    void lab.vms.snapshot(kept, 'half-taken');
    await begun(lab, 'half-made');
    await begun(lab, 'half-forked');
    void lab.vms.remove(half);
    await vi.waitFor(async () => expect(await lab.vms.byName('half-deleted')).toEqual([]));
    await lab.close();

    const next = new MapHost();
    for (const [id, spec] of map.machines) if (id !== lost.id) next.machines.set(id, spec);
    const said: string[] = [];
    const again = await openLab({
      dataFolder,
      host: next.host,
      log: (_level, message) => said.push(message),
    });
    const states = Object.fromEntries((await again.vms.all()).map((vm) => [vm.name, vm.state]));
    expect(states).toEqual({ kept: 'READY', lost: 'ERROR', 'half-made': 'READY' });
    expect(next.machines.size).toBe(2);
    expect((await again.vms.get(kept.id)).address).toBe(kept.address);
    expect((await again.vms.snapshots(kept, {})).items).toEqual([]);
    expect(said.join('; ')).toMatch(/fork was cut short/);
    const fresh = await again.vms.create(who.bela, { course: 'os', name: 'half-forked' });
    expect((await again.vms.all()).filter((vm) => vm.address === fresh.address)).toHaveLength(1);
    await again.close();
  });
});
