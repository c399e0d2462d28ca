/** What the HTTP layer does with bad, repeated, too many and unknown requests, whatever stands behind it. */
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { HostError } from '../../src/host/types.ts';
import { buildServer } from '../../src/server/app.ts';
import type { App } from '../../src/server/context.ts';
import { PROBLEMS, type ProblemDocument } from '../../src/server/problem.ts';
import { rawExchange, smallLab, startCore } from './core-fixture.ts';

const good = { authorization: 'Bearer good' };
let app: App;
let url: string;
let execs = 0;

const RESULT = {
  outcome: 'exited',
  exitCode: 0,
  signal: null,
  stdout: Buffer.from('hi \xff', 'latin1'),
  stderr: new Uint8Array(0),
  truncated: { stdout: false, stderr: false, kernelLog: false },
  instructions: 1,
  virtualSeconds: 0,
  kernelLog: [],
  kernel: {
    modulesAdded: [],
    modulesRemoved: [],
    devicesAdded: [],
    devicesRemoved: [],
    taintBefore: 0,
    taintAfter: 0,
    oopses: 0,
    health: 'running',
  },
};

beforeAll(async () => {
  ({ app, url } = await startCore({
    exec: async (_id: string, request: { argv: string[] }) => {
      execs++;
      if (request.argv[0] === 'bug') throw new TypeError('secret of the inside');
      if (request.argv[0] === 'lost') throw new HostError('worker-lost', 'The worker died.');
      return RESULT;
    },
    stat: async (_id: string, path: string) => {
      throw new HostError('guest', `${path}: No such file or directory`, 'ENOENT');
    },
  }));
});
afterAll(() => app.close());

async function problem(response: Response): Promise<ProblemDocument> {
  expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  const document = (await response.json()) as ProblemDocument;
  expect(document.status).toBe(response.status);
  expect(document.type).toMatch(/^\/problems\/[a-z-]+$/);
  expect(Object.keys(PROBLEMS)).toContain(document.type.slice(10));
  expect(document.requestId).toBe(response.headers.get('x-request-id'));
  return document;
}
const post = (path: string, body: unknown, headers: Record<string, string> = good) =>
  fetch(`${url}/api/v1${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

describe('who asks', () => {
  it('is asked for where there is no token, with what to send', async () => {
    const response = await fetch(`${url}/api/v1/vms`);
    expect(response.headers.get('www-authenticate')).toBe('Bearer');
    expect((await problem(response)).type).toBe('/problems/unauthenticated');
  });
  it.each([
    'Bearer bad',
    'Basic Zm9vOmJhcg==',
    'Bearer',
    `Bearer ${'x'.repeat(2000)}`,
    'good',
  ])('is not known by Authorization: %.30s', async (authorization) => {
    const response = await fetch(`${url}/api/v1/vms`, { headers: { authorization } });
    expect(response.status).toBe(401);
    await problem(response);
  });
  it('a ticket is good for a WebSocket only', async () => {
    expect((await fetch(`${url}/api/v1/vms?ticket=once`)).status).toBe(401);
    expect((await fetch(`${url}/api/v1/vms/vm1/events?ticket=once`)).status).toBe(426);
  });
  it('a used ticket is no ticket', async () => {
    const again = await fetch(`${url}/api/v1/vms/vm1/events?ticket=once`);
    expect((await problem(again)).type).toBe('/problems/bad-ticket');
  });
  it('a route that does not say who may call it stops the start', async () => {
    const broken = await buildServer({
      lab: smallLab(),
      host: { onEvent: () => () => {} } as never,
    });
    broken.get('/open', () => 'to all');
    await expect(broken.ready()).rejects.toThrow('GET /open does not declare its access');
  });
});

describe('what is not there', () => {
  it('an unknown path', async () => {
    expect((await problem(await fetch(`${url}/api/v1/nothing`))).type).toBe('/problems/not-found');
  });
  it('an unknown VM, the same for every route', async () => {
    for (const path of ['', '/files/etc/passwd', '/kernel', '/console', '/hosts']) {
      const document = await problem(await fetch(`${url}/api/v1/vms/vm2${path}`, { headers: good }));
      expect(document.type).toBe('/problems/no-such-vm');
    }
  });
  it('a method that the resource does not take', async () => {
    const response = await fetch(`${url}/api/v1/vms/vm1/exec`, { method: 'PUT', headers: good });
    expect(response.headers.get('allow')).toBe('POST');
    expect((await problem(response)).status).toBe(405);
  });
  it('a file, in the words of the VM', async () => {
    const document = await problem(await fetch(`${url}/api/v1/vms/vm1/files/no/where`, { headers: good }));
    expect(document).toMatchObject({ type: '/problems/no-such-file', errno: 'ENOENT' });
  });
  it('every kind of problem has a page', async () => {
    for (const kind of Object.keys(PROBLEMS))
      expect((await fetch(`${url}/problems/${kind}`)).status).toBe(200);
    expect((await fetch(`${url}/problems/__proto__`)).status).toBe(404);
  });
});

describe('bodies', () => {
  it.each(['{', '{"command":}', '', 'null,', '\u0000'])('malformed JSON %j', async (text) => {
    const document = await problem(await post('/vms/vm1/exec', text));
    expect(document.status).toBe(400);
  });
  it.each([
    ['a number for a string', { command: 7 }, 'command'],
    ['a string for a list', { argv: 'ls' }, 'argv'],
    ['an unknown field', { command: 'ls', colour: 'red' }, 'colour'],
    ['nothing', {}, 'argv'],
    ['both', { command: 'ls', argv: ['ls'] }, 'command'],
    ['a user that is no name', { command: 'ls', user: 'root; id' }, 'user'],
    ['a budget below zero', { command: 'ls', budget: { instructions: -1 } }, 'budget/instructions'],
    ['a budget in quotes', { command: 'ls', budget: { virtualSeconds: '1' } }, 'budget/virtualSeconds'],
    ['a NUL', { command: 'ls \0' }, 'command'],
    ['a relative folder', { command: 'ls', cwd: 'tmp' }, 'cwd'],
    ['stdin that is no base64', { command: 'cat', stdin: '###', encoding: 'base64' }, 'stdin'],
    ['an environment name with =', { command: 'ls', env: { 'A=B': 'c' } }, 'env/A=B'],
  ])('%s names the field', async (_what, body, field) => {
    const document = await problem(await post('/vms/vm1/exec', body));
    expect(document.type).toBe('/problems/invalid-request');
    expect(document.errors?.map((error) => error.field)).toContain(field);
  });
  it.each(['[]', '7', '"ls"', 'true'])('JSON that is no object: %s', async (text) => {
    expect((await problem(await post('/vms/vm1/exec', text))).type).toBe('/problems/invalid-request');
  });
  it('a body beyond the limit', async () => {
    const document = await problem(
      await post('/vms', { course: 'c', name: 'x', image: 'y'.repeat(2 << 20) }),
    );
    expect(document.type).toBe('/problems/too-large');
  });
  it('a content type that is not JSON', async () => {
    const document = await problem(
      await post('/vms/vm1/exec', '<x/>', { ...good, 'content-type': 'application/xml' }),
    );
    expect(document.type).toBe('/problems/unsupported-media-type');
  });
  it('a __proto__ does not reach the prototype', async () => {
    const response = await post('/vms/vm1/exec', '{"command":"ls","__proto__":{"argv":["id"]}}');
    expect(response.status).toBe(400);
  });
});

describe('paths and queries', () => {
  it.each([
    '..%2f..%2fetc%2fpasswd',
    'a/%2e%2e/%2e%2e/etc/shadow',
    'a%00b',
    'x'.repeat(300),
  ])('a path that %.30s', async (path) => {
    // As raw bytes: fetch itself would tidy the path up.
    const text = await rawExchange(
      url,
      `GET /api/v1/vms/vm1/files/${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\nConnection: close\r\n\r\n`,
    );
    expect(text).toMatch(/^HTTP\/1.1 400 /);
    expect(text).toContain('/problems/bad-path');
  });
  it('invalid UTF-8 in a path', async () => {
    const text = await rawExchange(
      url,
      'GET /api/v1/vms/vm1/files/%ff%fe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    );
    expect(text).toContain('application/problem+json');
    expect(text).toMatch(/^HTTP\/1.1 400 /);
  });
  it.each(['limit=0', 'limit=201', 'limit=x', 'limit=1.5'])('a query with %s', async (query) => {
    const document = await problem(await fetch(`${url}/api/v1/vms?${query}`, { headers: good }));
    expect(document.errors).toEqual([{ in: 'query', field: 'limit', message: expect.any(String) }]);
  });
  it('what is not HTTP gets a problem document and the door', async () => {
    for (const garbage of [
      'HELLO\r\n\r\n',
      '\x16\x03\x01\x02\x00\x01',
      `GET / HTTP/1.1\r\nX: ${'y'.repeat(40_000)}\r\n\r\n`,
    ]) {
      const text = await rawExchange(url, garbage);
      expect(text).toMatch(/^HTTP\/1.1 4\d\d /);
      expect(text).toContain('application/problem+json');
    }
  });
});

describe('answers', () => {
  it('exec: bytes that are no UTF-8 are shown, or come whole as base64', async () => {
    expect(await (await post('/vms/vm1/exec', { command: 'x' })).json()).toMatchObject({ stdout: 'hi �' });
    const whole = await (await post('/vms/vm1/exec', { command: 'x', encoding: 'base64' })).json();
    expect(Buffer.from((whole as { stdout: string }).stdout, 'base64')).toEqual(
      Buffer.from('hi \xff', 'latin1'),
    );
  });
  it('a mistake of the server tells nothing of its inside', async () => {
    const response = await post('/vms/vm1/exec', { argv: ['bug'] });
    const text = await response.clone().text();
    expect((await problem(response)).type).toBe('/problems/internal');
    expect(text).not.toContain('secret');
    expect(text).not.toContain('TypeError');
  });
  it('a lost worker is worth another try', async () => {
    expect((await problem(await post('/vms/vm1/exec', { argv: ['lost'] }))).status).toBe(503);
  });
});

describe('Idempotency-Key', () => {
  it('the first answer comes again, and the command ran once', async () => {
    const before = execs;
    const headers = { ...good, 'idempotency-key': 'k1' };
    const first = await (await post('/vms/vm1/exec', { command: 'x' }, headers)).text();
    const again = await post('/vms/vm1/exec', { command: 'x' }, headers);
    expect(await again.text()).toBe(first);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(execs).toBe(before + 1);
  });
  it('the key with another body is refused', async () => {
    const response = await post('/vms/vm1/exec', { command: 'y' }, { ...good, 'idempotency-key': 'k1' });
    expect((await problem(response)).type).toBe('/problems/idempotency-key-reused');
  });
  it("a failure of the server's is not kept", async () => {
    const headers = { ...good, 'idempotency-key': 'k2' };
    expect((await post('/vms/vm1/exec', { argv: ['lost'] }, headers)).status).toBe(503);
    const before = execs;
    expect((await post('/vms/vm1/exec', { argv: ['lost'] }, headers)).status).toBe(503);
    expect(execs).toBe(before + 1);
  });
  it('a key that is none', async () => {
    const response = await post('/vms/vm1/exec', { command: 'x' }, { ...good, 'idempotency-key': 'a b' });
    expect((await problem(response)).errors?.[0]?.field).toBe('idempotency-key');
  });
});

describe('limits', () => {
  it('too many requests of one person, or of nobody from one address', async () => {
    const small = await startCore({}, { requestsPerMinute: 3 });
    try {
      const ask = (headers: Record<string, string>) => fetch(`${small.url}/api/v1/vms`, { headers });
      for (let i = 0; i < 3; i++) expect((await ask(good)).status).toBe(200);
      const refused = await ask(good);
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
      expect((await problem(refused)).type).toBe('/problems/rate-limited');
      for (let i = 0; i < 3; i++) expect((await ask({ authorization: `Bearer guess${i}` })).status).toBe(401);
      expect((await ask({ authorization: 'Bearer guess9' })).status).toBe(429);
      expect((await fetch(`${small.url}/healthz`)).status).toBe(200);
    } finally {
      await small.app.close();
    }
  });
});

describe('floods of connections', () => {
  const open = (url: string): Promise<Socket> =>
    new Promise((resolve, reject) => {
      const socket = connect(Number(new URL(url).port), '127.0.0.1', () => resolve(socket));
      socket.on('error', reject);
      socket.resume();
    });
  it('silent ones beyond the limit are dropped, and when they go there is room again', async () => {
    const small = await startCore({}, { connections: 8 });
    try {
      const sockets = await Promise.all(Array.from({ length: 20 }, () => open(small.url)));
      await vi.waitFor(() => expect(sockets.filter((socket) => socket.closed)).toHaveLength(12));
      for (const socket of sockets) socket.destroy();
      await vi.waitFor(async () => expect((await fetch(`${small.url}/healthz`)).status).toBe(200));
    } finally {
      await small.app.close();
    }
  });
  it('headers that never end, and bodies that never come, end in time', async () => {
    const small = await startCore({}, { headersTimeoutMs: 300, requestTimeoutMs: 600 });
    const head = 'POST /api/v1/vms/vm1/exec HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\n';
    try {
      const halfHead = await rawExchange(small.url, head, 5000);
      expect(halfHead).toMatch(/^HTTP\/1.1 408 /);
      const noBody = await rawExchange(
        small.url,
        `${head}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"comm`,
        5000,
      );
      expect(noBody).toMatch(/^HTTP\/1.1 408 /);
      expect(noBody).toContain('application/problem+json');
    } finally {
      await small.app.close();
    }
  });
});

describe('what operators see', () => {
  it('/healthz, /readyz and /metrics', async () => {
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect(await (await fetch(`${url}/readyz`)).json()).toEqual({
      status: 'ok',
      checks: { database: 'ok', host: 'ok' },
    });
    const text = await (await fetch(`${url}/metrics`)).text();
    expect(text).toContain('oopsbox_vms_alive 1');
    expect(text).toMatch(/oopsbox_http_request_duration_seconds_bucket/);
  });
  it('/readyz says which part is away', async () => {
    const lab = { ...smallLab(), ping: () => Promise.reject(new Error('gone')) };
    const sick = await startCore({}, {}, lab);
    try {
      const response = await fetch(`${sick.url}/readyz`);
      expect(response.status).toBe(503);
      expect(await response.json()).toEqual({
        status: 'unavailable',
        checks: { database: 'fails', host: 'ok' },
      });
    } finally {
      await sick.app.close();
    }
  });
  it('an OpenAPI 3.1 document that names every route, and a page', async () => {
    const document = (await (await fetch(`${url}/api/v1/openapi.json`)).json()) as {
      openapi: string;
      paths: Record<string, Record<string, { summary?: string; responses: object }>>;
    };
    expect(document.openapi).toMatch(/^3\.1/);
    expect(Object.keys(document.paths)).toContain('/api/v1/vms/{id}/exec');
    for (const [path, methods] of Object.entries(document.paths))
      for (const [method, operation] of Object.entries(methods))
        expect(operation.summary, `${method} ${path}`).toBeTruthy();
    expect((await fetch(`${url}/api/v1/docs/`)).status).toBe(200);
  });
});
