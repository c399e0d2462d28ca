/**
 * A whole lab server as a process that is killed, and what it had acknowledged before. Always true: a promise noted here was made by the
 * server or by a program inside a VM before it was killed, and nothing is noted that was not heard.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import WebSocket from 'ws';

const OOPSBOX = fileURLToPath(new URL('../../clients/cli/oopsbox.mjs', import.meta.url));
const START_LIMIT_MS = 120_000;
const HOME = '/home/student';

/** Appends numbered lines, each made durable before it is announced; replaces a file in the durable way; makes a mess besides. */
const WRITER = `#!/bin/bash
cd ${HOME}
n=$(wc -l < log 2> /dev/null || echo 0)
while :; do
  n=$((n + 1))
  printf '%08d %0300d end\\n' $n $n >> log
  sync log && echo "log=$n;"
  if [ $((n % 4)) = 0 ]; then
    printf '%d\\n' $n > cur.tmp && sync cur.tmp && mv cur.tmp cur && sync . && echo "cur=$n;"
  fi
  head -c $((RANDOM % 30000)) /dev/urandom > mess.$((RANDOM % 9))
  mkdir -p tree/$((RANDOM % 9)) && mv tree/$((RANDOM % 9)) tree/moved.$n 2> /dev/null
  rm -rf mess.$((RANDOM % 9)) tree/moved.*[02468]
done
`;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** What was promised of one VM. */
interface Promised {
  log: number;
  cur: number;
  files: Map<string, string>;
}

interface Demo {
  vm: { id: string };
  tokens: Record<'instructor' | 'student', string>;
}

export class Victim {
  readonly folder = mkdtempSync(join(tmpdir(), 'oopsbox-kill-'));
  readonly vms = new Map<string, Promised>();
  readonly members = new Set<string>();
  /** What the server printed in this life. */
  said = '';
  #url = '';
  #child: ChildProcess | null = null;
  #sockets: WebSocket[] = [];
  #demo: Demo | null = null;

  /** Starts the server; settles at once. */
  async launch(): Promise<void> {
    const port = await freePort();
    this.#url = `http://127.0.0.1:${port}/api/v1`;
    this.said = '';
    const child = spawn(process.execPath, [OOPSBOX, 'start'], {
      env: {
        ...process.env,
        OOPSBOX_DATA: this.folder,
        OOPSBOX_PORT: String(port),
        OOPSBOX_SSH_PORT: 'off',
        OOPSBOX_LOG_LEVEL: 'warn',
        OOPSBOX_RATE_LIMIT: '1000000',
      },
    });
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (bytes: Buffer) => {
        this.said += bytes.toString();
      });
    this.#child = child;
  }

  get alive(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Until the server answers. Throws what it printed when it ends instead. */
  async ready(): Promise<void> {
    const end = Date.now() + START_LIMIT_MS;
    while (Date.now() < end) {
      if (!this.alive) throw new Error(`the server ended by itself:\n${this.said}`);
      const answer = await fetch(this.#url.replace('/api/v1', '/readyz')).catch(() => null);
      const file = join(this.folder, 'demo.json');
      if (answer?.ok && existsSync(file)) {
        this.#demo ??= JSON.parse(readFileSync(file, 'utf8')) as Demo;
        return;
      }
      await pause(50);
    }
    throw new Error(`the server does not get ready:\n${this.said}`);
  }

  /** kill -9, at once. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await ended;
    }
    for (const socket of this.#sockets) socket.terminate();
    this.#sockets = [];
    this.#child = null;
  }

  async #call(method: string, path: string, body?: unknown): Promise<Response> {
    const raw = body instanceof Uint8Array;
    return fetch(`${this.#url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.#demo?.tokens.instructor}`,
        ...(body === undefined
          ? {}
          : { 'content-type': raw ? 'application/octet-stream' : 'application/json' }),
      },
      body: body === undefined ? undefined : raw ? (body as unknown as BodyInit) : JSON.stringify(body),
    });
  }

  async #text(path: string): Promise<string> {
    const answer = await this.#call('GET', path);
    const text = await answer.text();
    if (!answer.ok) throw new Error(`GET ${path}: ${answer.status} ${text}\n${this.said}`);
    return text;
  }

  async makeVm(name: string): Promise<void> {
    const answer = await this.#call('POST', '/vms', { course: 'demo', name });
    if (answer.status !== 201) throw new Error(`POST /vms: ${answer.status} ${await answer.text()}`);
    const { id } = (await answer.json()) as { id: string };
    const script = await this.#call(
      'PUT',
      `/vms/${id}/files${HOME}/writer?mode=755`,
      new TextEncoder().encode(WRITER),
    );
    if (!script.ok) throw new Error(`PUT: ${script.status} ${await script.text()}`);
    this.vms.set(id, { log: 0, cur: 0, files: new Map() });
  }

  /** Keeps everything busy until the server is killed: programs that sync, files that are put, members that are added. */
  load(): void {
    for (const [id, promised] of this.vms) {
      this.#type(id, promised);
      void this.#put(id, promised);
    }
    void this.#join();
  }

  /** Until the first program has announced something in this life, or ten seconds. */
  async busy(): Promise<void> {
    const begin = Date.now();
    const before = [...this.vms.values()].map(({ log }) => log);
    while (Date.now() - begin < 10_000 && this.alive) {
      if ([...this.vms.values()].some(({ log }, n) => log > before[n])) return;
      await pause(5);
    }
  }

  /** A terminal in which the writer runs; what it announces is a promise. */
  #type(id: string, promised: Promised): void {
    const socket = new WebSocket(`${this.#url.replace('http', 'ws')}/vms/${id}/terminal?rows=24&cols=80`, {
      headers: { authorization: `Bearer ${this.#demo?.tokens.instructor}` },
    });
    this.#sockets.push(socket);
    let text = '';
    socket.on('error', () => {});
    socket.on('message', (data, isBinary) => {
      if (!isBinary) {
        if (data.toString().includes('"ready"')) socket.send(Buffer.from(`exec ${HOME}/writer\n`));
        return;
      }
      text = (text + data.toString()).slice(-4000);
      for (const [, kind, n] of text.matchAll(/(log|cur)=(\d+);/g))
        promised[kind as 'log' | 'cur'] = Math.max(promised[kind as 'log' | 'cur'], Number(n));
    });
  }

  async #put(id: string, promised: Promised): Promise<void> {
    for (let n = 0; this.alive; n++) {
      const name = `put.${n % 5}`;
      const content = randomBytes(1 + ((n * 7919) % 50_000));
      const digest = createHash('sha1').update(content).digest('hex');
      // Until it is acknowledged either content may be there.
      const before = promised.files.get(name);
      promised.files.set(name, `${before?.split(' ').at(-1) ?? 'none'} ${digest}`);
      const answer = await this.#call('PUT', `/vms/${id}/files${HOME}/${name}`, content).catch(() => null);
      if (!answer?.ok) return;
      promised.files.set(name, digest);
      await pause(20);
    }
  }

  async #join(): Promise<void> {
    for (let n = 0; this.alive; n++) {
      const login = `m${Date.now().toString(36)}.${n}`;
      const answer = await this.#call('POST', '/courses/demo/members', {
        login,
        name: login,
        role: 'student',
      }).catch(() => null);
      if (!answer || answer.status !== 201) return;
      this.members.add(login);
      await pause(10);
    }
  }

  /** Whether everything that was promised is there, and nothing is broken. Answers complaints. */
  async verify(): Promise<string[]> {
    const wrong: string[] = [];
    for (const [id, promised] of this.vms) {
      const listed = JSON.parse(await this.#text(`/vms/${id}/files${HOME}`)) as {
        entries: { name: string; size: number }[];
      };
      const has = (name: string) => listed.entries.some((entry) => entry.name === name);
      const log = has('log') ? await this.#text(`/vms/${id}/files${HOME}/log`) : '';
      const lines = log.split('\n').slice(0, -1);
      if (lines.length < promised.log)
        wrong.push(`${id}: line ${promised.log} of the log was synced, ${lines.length} are there`);
      const padded = (n: number) => `${String(n).padStart(8, '0')} ${String(n).padStart(300, '0')} end`;
      const odd = lines.findIndex((line, i) => line !== padded(i + 1));
      if (odd >= 0)
        wrong.push(
          `${id}: line ${odd + 1} of ${lines.length} is ${JSON.stringify(lines[odd].slice(0, 400))}`,
        );
      const cur = has('cur') ? Number(await this.#text(`/vms/${id}/files${HOME}/cur`)) : 0;
      if (!(cur >= promised.cur)) wrong.push(`${id}: cur was ${promised.cur}, is ${cur}`);
      for (const [name, digests] of promised.files) {
        const found = has(name)
          ? createHash('sha1')
              .update(
                new Uint8Array(
                  await (await this.#call('GET', `/vms/${id}/files${HOME}/${name}`)).arrayBuffer(),
                ),
              )
              .digest('hex')
          : 'none';
        // A file cut off while it was replaced may be empty or short, as on any disk.
        const sure = !digests.includes(' ');
        if (sure && found !== digests) wrong.push(`${id}: ${name} is not what was put there`);
        promised.files.delete(name);
      }
      promised.log = lines.length;
      promised.cur = cur;
    }
    const names = new Set<string>();
    for (let next: string | null = '/courses/demo/members?limit=100'; next; ) {
      const page = JSON.parse(await this.#text(next)) as {
        items: { person: { login: string } }[];
        nextCursor: string | null;
      };
      for (const { person } of page.items) names.add(person.login);
      next = page.nextCursor
        ? `/courses/demo/members?limit=100&cursor=${encodeURIComponent(page.nextCursor)}`
        : null;
    }
    for (const login of this.members) if (!names.has(login)) wrong.push(`member ${login} is lost`);
    return wrong;
  }

  /** A command in every VM that walks the whole disk and works with it. Answers complaints. */
  async exercise(): Promise<string[]> {
    const wrong: string[] = [];
    for (const id of this.vms.keys()) {
      const answer = await this.#call('POST', `/vms/${id}/exec`, {
        command:
          'cd && find . -xdev -type f -exec cat {} + > /dev/null && rm -rf tree mess.* && mkdir -p tree/a && echo ok > tree/a/b && sync && cat tree/a/b',
      });
      const result = (await answer.json()) as { stdout?: string; stderr?: string };
      if (result.stdout !== 'ok\n') wrong.push(`${id}: ${JSON.stringify(result).slice(0, 500)}`);
    }
    return wrong;
  }

  async destroy(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
