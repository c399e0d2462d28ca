/**
 * Every route of the API × who calls it × whose course it is. Always true: a route that is declared and has no row here fails, and
 * so does a row without its route; what is expected is written down here and not taken from the table that decides.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildServer } from '../../src/server/app.ts';
import type { App } from '../../src/server/context.ts';
import { cleanUp, openTestLab, type TestLab } from './lab-fixture.ts';

/**
 * Callers: four of the course `os` (bela owns the machine, anil does not), graders by membership and by token, people of the course
 * `db`, a grader of `db`, instructors with tokens bound to one course, and nobody.
 */
const CALLERS = [
  'admin',
  'instructor',
  'ta',
  'owner',
  'student',
  'grader',
  'grader token',
  'bound here',
  'bound elsewhere',
  'other instructor',
  'other student',
  'other grader',
  'nobody',
] as const;
type Caller = (typeof CALLERS)[number];
type Verdict = 'allow' | 'forbidden' | 'hidden' | 'unauthenticated';

const STRANGERS = {
  'other instructor': 'hidden',
  'other student': 'hidden',
  'other grader': 'hidden',
  'bound elsewhere': 'hidden',
  nobody: 'unauthenticated',
} as const;
const LEADERS = { admin: 'allow', instructor: 'allow', 'bound here': 'allow' } as const;
const GRADERS = { grader: 'allow', 'grader token': 'allow' } as const;
const NO_GRADERS = { grader: 'forbidden', 'grader token': 'forbidden' } as const;
const everyone = (verdict: Verdict) =>
  Object.fromEntries(CALLERS.map((caller) => [caller, verdict])) as Record<Caller, Verdict>;

/** What is expected of a kind of route. */
const EXPECTED: Record<string, Record<Caller, Verdict>> = {
  public: everyone('allow'),
  anyone: { ...everyone('allow'), nobody: 'unauthenticated' },
  /** Keys and tokens: not for tokens that are bound to a course. */
  unbound: {
    ...everyone('allow'),
    'grader token': 'forbidden',
    'bound here': 'forbidden',
    'bound elsewhere': 'forbidden',
    'other grader': 'forbidden',
    nobody: 'unauthenticated',
  },
  'admins only': { ...everyone('forbidden'), admin: 'allow', nobody: 'unauthenticated' },
  'course admin': {
    ...everyone('forbidden'),
    ...STRANGERS,
    admin: 'allow',
  },
  'course read': { ...LEADERS, ...GRADERS, ...STRANGERS, ta: 'allow', owner: 'allow', student: 'allow' },
  'course staff': {
    ...LEADERS,
    ...GRADERS,
    ...STRANGERS,
    ta: 'allow',
    owner: 'forbidden',
    student: 'forbidden',
  },
  'course manage': {
    ...LEADERS,
    ...NO_GRADERS,
    ...STRANGERS,
    ta: 'forbidden',
    owner: 'forbidden',
    student: 'forbidden',
  },
  'vm create': { ...LEADERS, ...GRADERS, ...STRANGERS, ta: 'allow', owner: 'allow', student: 'allow' },
  'vm read': { ...LEADERS, ...GRADERS, ...STRANGERS, ta: 'allow', owner: 'allow', student: 'hidden' },
  'vm use': { ...LEADERS, ...GRADERS, ...STRANGERS, ta: 'forbidden', owner: 'allow', student: 'hidden' },
  'vm fork': { ...LEADERS, ...GRADERS, ...STRANGERS, ta: 'allow', owner: 'allow', student: 'hidden' },
  'vm own': { ...LEADERS, ...NO_GRADERS, ...STRANGERS, ta: 'forbidden', owner: 'allow', student: 'hidden' },
};

/** Each route: what is expected, and a body where the right to call shows only after it was read. */
const ROUTES: Record<string, string | [kind: string, body: object]> = {
  'GET /': 'public',
  'GET /metrics': 'public',
  'GET /healthz': 'public',
  'GET /readyz': 'public',
  'GET /problems/:kind': 'public',
  'GET /api/v1/openapi.json': 'public',
  'GET /api/v1/docs/': 'public',
  'GET /api/v1/docs/json': 'public',
  'GET /api/v1/docs/yaml': 'public',
  'GET /api/v1/docs/static/index.html': 'public',
  'GET /api/v1/docs/static/swagger-initializer.js': 'public',
  'GET /api/v1/docs/static/*': 'public',

  'POST /api/v1/auth/challenge': 'public',
  'POST /api/v1/auth/token': 'public',
  'POST /api/v1/auth/exchange': 'public',
  'POST /api/v1/auth/ticket': 'anyone',
  'DELETE /api/v1/auth/token': 'anyone',
  'GET /api/v1/me': 'anyone',
  'GET /api/v1/images': 'anyone',
  'GET /api/v1/audit': 'admins only',
  'GET /api/v1/keypairs': 'anyone',
  'POST /api/v1/keypairs': 'unbound',
  'GET /api/v1/keypairs/:id': 'anyone',
  'DELETE /api/v1/keypairs/:id': 'unbound',
  'GET /api/v1/tokens': 'anyone',
  'POST /api/v1/tokens': 'unbound',
  'DELETE /api/v1/tokens/:id': 'unbound',

  'GET /api/v1/courses': 'anyone',
  'POST /api/v1/courses': 'admins only',
  'GET /api/v1/courses/:id': 'course read',
  'PATCH /api/v1/courses/:id': 'course manage',
  'DELETE /api/v1/courses/:id': 'course admin',
  'GET /api/v1/courses/:id/audit': 'course manage',
  'GET /api/v1/courses/:id/members': 'course staff',
  'POST /api/v1/courses/:id/members': 'course manage',
  'POST /api/v1/courses/:id/members/import': 'course manage',
  'GET /api/v1/courses/:id/members/:person': 'course staff',
  'PATCH /api/v1/courses/:id/members/:person': 'course manage',
  'DELETE /api/v1/courses/:id/members/:person': 'course manage',

  'GET /api/v1/vms': 'anyone',
  'POST /api/v1/vms': ['vm create', { course: 'os', name: 'one-more', image: 'none' }],
  'GET /api/v1/vms/:id': 'vm read',
  'PATCH /api/v1/vms/:id': 'vm own',
  'DELETE /api/v1/vms/:id': 'vm own',
  'POST /api/v1/vms/:id/start': 'vm use',
  'POST /api/v1/vms/:id/stop': 'vm use',
  'POST /api/v1/vms/:id/reboot': 'vm use',
  'POST /api/v1/vms/:id/rebuild': 'vm own',
  'POST /api/v1/vms/:id/fork': 'vm fork',
  'GET /api/v1/vms/:id/snapshots': 'vm read',
  'POST /api/v1/vms/:id/snapshots': 'vm use',
  'GET /api/v1/vms/:id/snapshots/:snapshot': 'vm read',
  'POST /api/v1/vms/:id/snapshots/:snapshot/restore': 'vm own',
  'DELETE /api/v1/vms/:id/snapshots/:snapshot': 'vm use',
  'GET /api/v1/vms/:id/hostname': 'vm read',
  'PUT /api/v1/vms/:id/hostname': 'vm use',
  'GET /api/v1/vms/:id/hosts': 'vm read',
  'PUT /api/v1/vms/:id/hosts': 'vm use',
  'GET /api/v1/vms/:id/files/*': 'vm read',
  'PUT /api/v1/vms/:id/files/*': 'vm use',
  'DELETE /api/v1/vms/:id/files/*': 'vm use',
  'POST /api/v1/vms/:id/exec': 'vm use',
  'GET /api/v1/vms/:id/kernel': 'vm read',
  'GET /api/v1/vms/:id/kernel/modules': 'vm read',
  'GET /api/v1/vms/:id/kernel/modules/:name': 'vm read',
  'GET /api/v1/vms/:id/kernel/devices': 'vm read',
  'GET /api/v1/vms/:id/kernel/processes': 'vm read',
  'GET /api/v1/vms/:id/kernel/processes/:pid': 'vm read',
  'GET /api/v1/vms/:id/kernel/memory': 'vm read',
  'GET /api/v1/vms/:id/kernel/oopses': 'vm read',
  'GET /api/v1/vms/:id/kernel/mounts': 'vm read',
  'GET /api/v1/vms/:id/kernel/log': 'vm read',
  'GET /api/v1/vms/:id/kernel/symbols': 'vm read',
  'GET /api/v1/vms/:id/terminal': 'vm read',
  'GET /api/v1/vms/:id/terminals': 'vm read',
  'DELETE /api/v1/vms/:id/terminals/:terminal': 'vm use',
  'GET /api/v1/vms/:id/sessions': 'vm read',
  'GET /api/v1/vms/:id/console': 'vm read',
  'GET /api/v1/vms/:id/events': 'vm read',
};

let world: TestLab;
let app: App;
const token: Partial<Record<Caller, string>> = {};
let machine: string;
let made = 0;

beforeAll(async () => {
  world = await openTestLab();
  const { lab, who } = world;
  const course = await lab.courses.get('os');
  const other = await lab.courses.get('db');
  await lab.courses.update(course.id, { settings: { vmsPerPerson: 1000 } });
  await lab.members.add(other.id, { login: 'gus', role: 'grader' });
  // An instructor of both, by tokens of one each.
  await lab.members.add(other.id, { login: 'ines', role: 'instructor' });
  const gus = await lab.auth.principalOf((await lab.people.get('gus')).id);
  const issued = async (principal: TestLab['who'][string], wish: { course?: string; role?: 'grader' } = {}) =>
    (await lab.tokens.create(principal, { name: 'test', ...wish })).token;
  token.admin = await issued(who.root);
  token.instructor = await issued(who.ines);
  token.ta = await issued(who.tara);
  token.owner = await issued(who.bela);
  token.student = await issued(who.anil);
  token.grader = await issued(who.greta);
  token['grader token'] = await issued(who.ines, { course: 'os', role: 'grader' });
  token['bound here'] = await issued(who.ines, { course: 'os' });
  token['bound elsewhere'] = await issued(who.ines, { course: 'db' });
  token['other instructor'] = await issued(who.otto);
  token['other student'] = await issued(who.olga);
  token['other grader'] = await issued(gus, { course: 'db', role: 'grader' });
  machine = (await lab.vms.create(who.bela, { course: 'os', name: 'bela-vm' })).id;
  app = await buildServer({ lab, host: world.map.host });
  await app.ready();
});
afterAll(async () => {
  await app?.close();
  await world?.lab.close();
  cleanUp();
});

/** Calls a route and says how it was received; whatever is not a refusal of the caller is `allow`. */
async function verdict(route: string, caller: Caller, body: object = {}): Promise<Verdict> {
  const { lab, who } = world;
  const [method, url] = route.split(' ');
  let id = url.includes('/courses/') ? 'os' : machine;
  let bearer = token[caller];
  if (route === 'DELETE /api/v1/vms/:id')
    id = (await lab.vms.create(who.bela, { course: 'os', name: `away-${++made}` })).id;
  if (route === 'DELETE /api/v1/auth/token' && bearer)
    bearer = (await lab.tokens.create(who.anil, { name: 'to be revoked' })).token;
  const path = url.replace(':id', id).replace(/:\w+|\*/g, 'none');
  const csv = path.endsWith('/import');
  const payload = csv ? 'login\n' : body;
  const response = await app.inject({
    method: method as 'GET',
    url: path,
    headers: {
      ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
      ...(csv ? { 'content-type': 'text/csv' } : {}),
    },
    ...(method === 'GET' || method === 'DELETE' ? {} : { payload }),
  });
  const { statusCode } = response;
  const problem = String(response.headers['content-type']).startsWith('application/problem+json')
    ? (response.json() as { type: string }).type.replace('/problems/', '')
    : '';
  expect(statusCode, `${route}: ${response.body.slice(0, 300)}`).not.toBe(500);
  if (statusCode === 401 && problem === 'unauthenticated') return 'unauthenticated';
  if (statusCode === 403 && problem === 'forbidden') return 'forbidden';
  if (statusCode === 404 && (problem === 'no-such-vm' || problem === 'no-such-course')) return 'hidden';
  return 'allow';
}

test('every declared route has a row, and every row a route', () => {
  const declared = new Set(
    app.declaredRoutes.flatMap(({ method, url }) => [method].flat().map((one) => `${one} ${url}`)),
  );
  const known = Object.keys(ROUTES);
  const missing = [...declared].filter((route) => !route.startsWith('HEAD ') && !known.includes(route));
  expect(missing, 'routes without a row').toEqual([]);
  expect(
    known.filter((route) => !declared.has(route) && route !== 'GET /problems/:kind'),
    'rows without a route',
  ).toEqual([]);
});

test.each(Object.entries(ROUTES))('%s', async (route, row) => {
  const [kind, body] = typeof row === 'string' ? [row] : row;
  const found: Partial<Record<Caller, Verdict>> = {};
  for (const caller of CALLERS) found[caller] = await verdict(route, caller, body);
  expect(found).toEqual(EXPECTED[kind]);
});

describe('what a course may change', () => {
  const set = async (settings: object) =>
    world.lab.courses.update((await world.lab.courses.get('os')).id, { settings });

  test('with taMayWrite assistants use machines, and still do not own them', async () => {
    await set({ taMayWrite: true });
    for (const [route, row] of Object.entries(ROUTES)) {
      if (row === 'vm use') expect(await verdict(route, 'ta'), route).toBe('allow');
      if (row === 'vm own') expect(await verdict(route, 'ta'), route).toBe('forbidden');
    }
    await set({ taMayWrite: false });
  });

  test('without studentsMayCreate students neither make nor fork machines', async () => {
    await set({ studentsMayCreate: false });
    const body = { course: 'os', name: 'one-more', image: 'none' };
    expect(await verdict('POST /api/v1/vms', 'student', body)).toBe('forbidden');
    expect(await verdict('POST /api/v1/vms', 'ta', body)).toBe('allow');
    expect(await verdict('POST /api/v1/vms/:id/fork', 'owner')).toBe('forbidden');
    await set({ studentsMayCreate: true });
  });
});

test('who is not to know of a machine gets the same answer as for one that is not there', async () => {
  const ask = async (id: string) => {
    const answer = await app.inject({
      url: `/api/v1/vms/${id}`,
      headers: { authorization: `Bearer ${token['other instructor']}` },
    });
    return answer.body.replaceAll(id, 'ID').replace(/"requestId":"\w+"/, '');
  };
  const nowhere = '018f0000-0000-7000-8000-000000000000';
  expect(await ask(machine)).toBe(await ask(nowhere));
  for (const id of ['x', "'", '%00', '..%2f', 'x'.repeat(64)])
    expect(
      (await app.inject({ url: `/api/v1/vms/${id}`, headers: { authorization: `Bearer ${token.admin}` } }))
        .statusCode,
    ).toBe(404);
});

test('a part in a course that ends, ends at once', async () => {
  const { lab } = world;
  const course = await lab.courses.get('os');
  await lab.members.add(course.id, { login: 'kurz', role: 'ta' });
  const short = await lab.auth.principalOf((await lab.people.get('kurz')).id);
  const { token: bearer } = await lab.tokens.create(short, { name: 't' });
  const ask = async () =>
    (await app.inject({ url: `/api/v1/vms/${machine}`, headers: { authorization: `Bearer ${bearer}` } }))
      .statusCode;
  expect(await ask()).toBe(200);
  await lab.members.remove(course.id, 'kurz');
  expect(await ask()).toBe(404);
});
