/**
 * The lab server from the command line: where it is, who is asking, and the calls. Always true: a token is sent to the server that
 * gave it and to no other; tokens are kept in a file that only their owner can read.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { UsageError } from './errors.ts';

/** Where the server is and how to sign in; from options, then the environment. */
export interface RemoteOptions {
  url?: string;
  identity?: string;
}

export const DEFAULT_URL = 'http://127.0.0.1:8080';
/** Keys tried in this order when no agent has one and none is named. */
const KEY_NAMES = ['id_ed25519', 'id_ecdsa', 'id_rsa'];
/** A token this near its end is renewed first. */
const RENEW_MS = 60_000;

/** A refusal of the server (RFC 9457). */
export class ServerError extends Error {
  override name = 'ServerError';
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

interface Session {
  token: string;
  expiresAt: string;
}

const sessionFile = (): string =>
  join(process.env.XDG_CONFIG_HOME ?? join(homedir(), '.config'), 'oopsbox', 'sessions.json');

function readSessions(): Record<string, Session> {
  try {
    return JSON.parse(readFileSync(sessionFile(), 'utf8'));
  } catch {
    return {};
  }
}

function keepSession(url: string, session: Session | null): void {
  const sessions = readSessions();
  if (session) sessions[url] = session;
  else delete sessions[url];
  mkdirSync(dirname(sessionFile()), { recursive: true, mode: 0o700 });
  writeFileSync(sessionFile(), `${JSON.stringify(sessions, null, 2)}\n`, { mode: 0o600 });
  chmodSync(sessionFile(), 0o600);
}

/** Public keys to try: the named key file, else the agent's, else the usual files. `file` is what ssh-keygen signs with. */
function candidateKeys(identity: string | undefined, folder: string): { publicKey: string; file: string }[] {
  const fromFile = (path: string): { publicKey: string; file: string } => {
    const publicFile = path.endsWith('.pub') ? path : `${path}.pub`;
    const publicKey = existsSync(publicFile)
      ? readFileSync(publicFile, 'utf8')
      : execFileSync('ssh-keygen', ['-y', '-f', path], {
          encoding: 'utf8',
          stdio: ['inherit', 'pipe', 'inherit'],
        });
    return { publicKey: publicKey.trim(), file: path };
  };
  if (identity !== undefined) {
    if (!existsSync(identity)) throw new UsageError(`there is no key file ${identity}`);
    return [fromFile(identity)];
  }
  const keys: { publicKey: string; file: string }[] = [];
  try {
    const listed = execFileSync('ssh-add', ['-L'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    for (const [index, publicKey] of listed.split('\n').filter(Boolean).entries()) {
      const file = join(folder, `agent-${index}.pub`);
      writeFileSync(file, `${publicKey}\n`);
      keys.push({ publicKey, file });
    }
  } catch {
    // No agent, or an empty one: the files are left.
  }
  for (const name of KEY_NAMES) {
    const path = join(homedir(), '.ssh', name);
    if (existsSync(path)) keys.push(fromFile(path));
  }
  return keys;
}

/** Signs as `ssh-keygen -Y sign -n oopsbox` does (and with it: it asks for passphrases and talks to agents and tokens). */
function signChallenge(file: string, challenge: string): string {
  return execFileSync('ssh-keygen', ['-Y', 'sign', '-n', 'oopsbox', '-f', file], {
    input: challenge,
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'ignore'],
  });
}

/** A lab server and the right to ask it. */
export class Remote {
  readonly url: string;
  readonly #identity: string | undefined;
  #token: string | null;

  constructor(options: RemoteOptions) {
    this.url = (options.url ?? process.env.OOPSBOX_URL ?? DEFAULT_URL).replace(/\/+$/, '');
    if (!URL.canParse(this.url)) throw new UsageError(`--url ${this.url} is not an address`);
    this.#identity = options.identity;
    this.#token = process.env.OOPSBOX_TOKEN ?? null;
  }

  /** A bearer token: OOPSBOX_TOKEN, one kept from before, or a new one for a signature by the caller's key. */
  async token(): Promise<string> {
    if (this.#token) return this.#token;
    const kept = this.#identity === undefined ? readSessions()[this.url] : undefined;
    if (kept && Date.parse(kept.expiresAt) - Date.now() > RENEW_MS) {
      this.#token = kept.token;
      return kept.token;
    }
    return (await this.signIn()).token;
  }

  /** Signs in with the first key that the server knows. Throws when there is none. */
  async signIn(): Promise<Session> {
    const folder = mkdtempSync(join(tmpdir(), 'oopsbox-'));
    try {
      const keys = candidateKeys(this.#identity, folder);
      if (keys.length === 0)
        throw new UsageError(
          'you have no ssh key: make one with ssh-keygen, and have it registered for your course',
        );
      let refusal: Error | null = null;
      for (const { publicKey, file } of keys) {
        try {
          const { challenge } = await this.#call<{ challenge: string }>('POST', '/auth/challenge', {
            publicKey,
          });
          const signature = signChallenge(file, challenge);
          const session = await this.#call<Session>('POST', '/auth/token', { publicKey, signature });
          keepSession(this.url, session);
          this.#token = session.token;
          return session;
        } catch (error) {
          if (error instanceof ServerError && error.status >= 500) throw error;
          if (error instanceof TypeError || error instanceof UsageError) throw error;
          refusal ??= error as Error;
        }
      }
      throw new UsageError(
        `${this.url} knows none of your ${keys.length} keys (${refusal?.message}); name one with --identity`,
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  /** One call of the API with the caller's token; signs in anew, once, when it has run out. */
  async request<T>(method: string, path: string, body?: unknown): Promise<T> {
    try {
      return await this.#call<T>(method, path, body, await this.token());
    } catch (error) {
      if (!(error instanceof ServerError) || error.status !== 401 || process.env.OOPSBOX_TOKEN) throw error;
      keepSession(this.url, null);
      return this.#call<T>(method, path, body, (await this.signIn()).token);
    }
  }

  /** The address of a WebSocket of the API. */
  socketUrl(path: string, query: URLSearchParams): string {
    return `${this.url.replace(/^http/, 'ws')}/api/v1${path}?${query}`;
  }

  /** A machine by id or by name, of those the caller may see. */
  async findVm(name: string): Promise<VmView> {
    const { items } = await this.request<{ items: VmView[] }>(
      'GET',
      `/vms?limit=100&name=${encodeURIComponent(name)}`,
    );
    const found = items.filter((vm) => vm.name === name);
    if (found.length === 1) return found[0];
    if (found.length > 1)
      throw new UsageError(
        `there are ${found.length} machines ${name}: use an id of ${found.map((vm) => vm.id).join(', ')}`,
      );
    try {
      return await this.request<VmView>('GET', `/vms/${encodeURIComponent(name)}`);
    } catch (error) {
      if (error instanceof ServerError && (error.status === 404 || error.status === 400))
        throw new UsageError(`you have no machine ${name}; npx oopsbox vm list shows yours`);
      throw error;
    }
  }

  async #call<T>(method: string, path: string, body?: unknown, token?: string): Promise<T> {
    let response: Response;
    try {
      response = await fetch(`${this.url}/api/v1${path}`, {
        method,
        headers: {
          accept: 'application/json',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        body: body === undefined ? undefined : JSON.stringify(body),
      });
    } catch (error) {
      const cause = (error as { cause?: { code?: string } }).cause?.code ?? (error as Error).message;
      throw new UsageError(
        `cannot reach ${this.url} (${cause}); is the server running? --url or OOPSBOX_URL says where`,
      );
    }
    if (response.status === 204) return undefined as T;
    const text = await response.text();
    if (response.ok) return (text === '' ? undefined : JSON.parse(text)) as T;
    let problem: { title?: string; detail?: string } = {};
    try {
      problem = JSON.parse(text);
    } catch {
      // Not the lab's own words (a proxy's page, say): the status has to do.
    }
    throw new ServerError(
      response.status,
      problem.detail ?? problem.title ?? `${this.url} answered ${response.status}`,
    );
  }
}

/** What the commands use of a machine's representation. */
export interface VmView {
  id: string;
  name: string;
  state: string;
  address?: string;
}
