/**
 * One client, from its first byte to its last. Always true: nothing of the machine is reached for it before it is authenticated but
 * what authentication reads; when the socket is gone every session of it is hung up, and when the machine is dead the client
 * hears nothing more.
 */
import type { Socket } from 'node:net';
import ssh2, { type AuthContext, type Connection as Client, type PublicKeyAuthContext } from 'ssh2';
import { type Host, HostError } from '../../host/types.ts';
import type { VmRecord } from '../../lab/types.ts';
import type { HostKey } from './account.ts';
import {
  accountRefusal,
  admitKey,
  admitPassword,
  type Candidate,
  passwordsAllowed,
  type SshLab,
} from './auth.ts';
import type { AuthLog } from './auth-log.ts';
import type { KeyOptions } from './authorized-keys.ts';
import { CIPHERS, MACS, offerCiphers } from './ciphers.ts';
import { describeKey } from './fingerprint.ts';
import { forward } from './forward.ts';
import type { Doorkeeper } from './limits.ts';
import { SshSession } from './session.ts';
import type { SshdConfig } from './sshd-config.ts';
import type { Account } from './strict-modes.ts';

const IDENT = 'Oopsbox';
/** SSH_DISCONNECT_PROTOCOL_ERROR: what sshd says after too many failures. */
const TOO_MANY = 2;
const DISCONNECTED_BY_USER = 11;

/** What the front door lends to its connections. */
export interface Door {
  readonly host: Host;
  readonly lab: SshLab;
  readonly keeper: Doorkeeper;
  readonly authLog: AuthLog;
  log(level: 'info' | 'warn' | 'error', message: string, fields?: Record<string, unknown>): void;
  /** The machine that a login name means on the lab's own address, with what its disk says. */
  find(vmName: string | null, course: string | null): Promise<{ vm: VmRecord; config: SshdConfig } | null>;
}

interface Endpoint {
  address: string;
  port: number;
}

/** What an authenticated client is. */
export interface Login {
  account: Account;
  options: KeyOptions;
  config: SshdConfig;
}

/** What a login name means: asked once for a connection. */
interface Target {
  candidate: Candidate;
  refusal: string | null;
  methods: ('publickey' | 'password')[];
}

let lastPid = 0;
const bare = (address: string | undefined): string => (address ?? '').replace(/^::ffff:(?=\d+\.)/i, '');

export class Connection {
  readonly host: Host;
  readonly remote: Endpoint;
  readonly local: Endpoint;
  /** The machine; known from the start where every machine has an address of its own. */
  vm!: VmRecord;
  login!: Login;
  readonly #door: Door;
  readonly #socket: Socket;
  readonly #pid = 300 + (lastPid++ % 30_000);
  readonly #sessions = new Set<SshSession>();
  readonly #entered: { authenticated(): void; gone(): void };
  #client: Client | null = null;
  #target: Promise<Target | null> | null = null;
  #user = '';
  #invalid = false;
  #failures = 0;
  #graceTimer: NodeJS.Timeout;
  #authenticated = false;
  #personId: string | null = null;
  #dead = false;
  #byUser = false;

  constructor(
    door: Door,
    socket: Socket,
    entered: { authenticated(): void; gone(): void },
    place: { vm: VmRecord; config: SshdConfig } | null,
    parse: (user: string) => { user: string; vm: string | null; course: string | null },
    hostKeys: HostKey[],
    banner: string | undefined,
  ) {
    this.#door = door;
    this.host = door.host;
    this.#socket = socket;
    this.#entered = entered;
    this.remote = { address: bare(socket.remoteAddress), port: socket.remotePort ?? 0 };
    this.local = { address: bare(socket.localAddress), port: socket.localPort ?? 0 };
    if (place) this.vm = place.vm;
    const grace = Math.min(
      place?.config.loginGraceSec || Number.POSITIVE_INFINITY,
      door.keeper.limits.loginGraceSec,
    );
    this.#graceTimer = setTimeout(() => this.#tooLate(), grace * 1000);
    socket.once('close', () => this.#gone());
    if (place?.config.verbose)
      this.tell(
        `Connection from ${this.remote.address} port ${this.remote.port} on ${this.local.address} port ${this.local.port} rdomain ""`,
      );
    const server = new ssh2.Server(
      {
        hostKeys,
        ident: IDENT,
        algorithms: { cipher: CIPHERS, hmac: MACS },
        keepaliveInterval: 0,
        ...(banner === undefined ? {} : { banner }),
      },
      (client, info) => {
        offerCiphers(client, info.header.versions.software);
        this.#begin(client, place, parse);
      },
    );
    server.on('error', () => socket.destroy());
    server.injectSocket(socket);
  }

  /** A line in the machine's auth.log. */
  tell(text: string): void {
    if (this.vm) this.#door.authLog.write(this.vm, this.#pid, text);
  }

  #begin(
    client: Client,
    place: { vm: VmRecord; config: SshdConfig } | null,
    parse: (user: string) => { user: string; vm: string | null; course: string | null },
  ): void {
    this.#client = client;
    // What breaks a connection is told by its end; without a listener it would end the server.
    client.on('error', () => undefined);
    this.#hearDisconnect(client);
    client.on('authentication', (context) => {
      this.#target ??= this.#look(context.username, place, parse);
      this.#authenticate(context).catch((error: unknown) => {
        this.machineFailed(error);
        if (!this.#dead) context.reject();
      });
    });
    client.on('ready', () => this.#ready(client));
  }

  /** The library keeps the usual reason to itself: "disconnected by user", SSH_DISCONNECT_BY_APPLICATION. */
  #hearDisconnect(client: Client): void {
    type Handler = (protocol: unknown, reason: number, text: string) => void;
    const { _protocol } = client as unknown as { _protocol?: { _handlers?: { DISCONNECT?: Handler } } };
    const handlers = _protocol?._handlers;
    const original = handlers?.DISCONNECT;
    if (!handlers || !original) return;
    handlers.DISCONNECT = (protocol, reason, text) => {
      this.#byUser = reason === DISCONNECTED_BY_USER;
      original(protocol, reason, text);
    };
  }

  /** Works out the account and whether it may log in at all. */
  async #look(
    username: string,
    place: { vm: VmRecord; config: SshdConfig } | null,
    parse: (user: string) => { user: string; vm: string | null; course: string | null },
  ): Promise<Target | null> {
    const name = parse(username);
    this.#user = name.user;
    const found = place ?? (await this.#door.find(name.vm, name.course));
    if (!found) return null;
    const { vm, config } = found;
    this.vm = vm;
    const account = await this.host.findUser(vm.id, name.user);
    const candidate: Candidate = { vm, config, user: name.user, account, address: this.remote.address };
    const [refusal, passwords] = await Promise.all([
      accountRefusal(this.host, candidate),
      passwordsAllowed(this.#door.lab, candidate),
    ]);
    this.#invalid = account === null;
    if (refusal) this.tell(account ? refusal : `${refusal} port ${this.remote.port}`);
    return { candidate, refusal, methods: passwords ? ['publickey', 'password'] : ['publickey'] };
  }

  async #authenticate(context: AuthContext): Promise<void> {
    const target = await (this.#target as Promise<Target | null>);
    const vmId = target?.candidate.vm.id ?? '';
    if (context.method === 'none') return context.reject(target?.methods ?? ['publickey']);
    if (this.#door.keeper.refuses(vmId, this.#user, this.remote.address)) {
      this.tell(
        `drop connection from [${this.remote.address}]:${this.remote.port} penalty: failed authentication`,
      );
      this.#socket.destroy();
      return;
    }
    if (context.method === 'publickey') return this.#byKey(context, target);
    if (context.method === 'password' && target?.methods.includes('password')) {
      const admission = target.refusal
        ? null
        : await admitPassword(this.host, target.candidate, context.password);
      if (admission) return this.#admit(context, target, admission.options, null, 'password', '');
      return this.#fail(context, target, 'password', '');
    }
    context.reject(target?.methods ?? ['publickey']);
  }

  async #byKey(context: PublicKeyAuthContext, target: Target | null): Promise<void> {
    const blob = context.key.data;
    const what = `: ${describeKey(blob)}`;
    if (!target || target.refusal) return this.#fail(context, target, 'publickey', what);
    const admission = await admitKey(this.host, this.#door.lab, target.candidate, blob, (text) =>
      this.tell(text),
    );
    if (!admission) return this.#fail(context, target, 'publickey', what);
    // Without a signature the client only asks whether it is worth signing.
    if (!context.signature || !context.blob) return context.accept();
    const key = ssh2.utils.parseKey(blob) as ssh2.ParsedKey | ssh2.ParsedKey[] | Error;
    const one = Array.isArray(key) ? key[0] : key;
    const holds =
      !(one instanceof Error) && one.verify(context.blob, context.signature, context.hashAlgo) === true;
    if (!holds) return this.#fail(context, target, 'publickey', what);
    if (target.candidate.config.verbose)
      this.tell(`Accepted key ${describeKey(blob)} found at ${admission.found}`);
    await this.#admit(context, target, admission.options, admission.principal, 'publickey', what);
  }

  async #admit(
    context: AuthContext,
    target: Target,
    options: KeyOptions,
    principal: Parameters<SshLab['audit']['record']>[0]['principal'],
    method: string,
    what: string,
  ): Promise<void> {
    const { candidate } = target;
    const account = candidate.account as Account;
    this.login = { account, options, config: candidate.config };
    this.tell(
      `Accepted ${method} for ${account.name} from ${this.remote.address} port ${this.remote.port} ssh2${what}`,
    );
    this.tell(
      `pam_unix(sshd:session): session opened for user ${account.name}(uid=${account.uid}) by ${account.name}(uid=0)`,
    );
    this.#authenticated = true;
    clearTimeout(this.#graceTimer);
    this.#entered.authenticated();
    this.#door.lab.audit
      .record({
        principal,
        action: 'ssh.login',
        courseId: candidate.vm.courseId,
        vmId: candidate.vm.id,
        remoteAddress: this.remote.address,
        detail: { user: account.name, method, key: what.slice(2) },
      })
      .catch((error: unknown) =>
        this.#door.log('warn', 'ssh: cannot record a login', { error: String(error) }),
      );
    this.#personId = principal?.personId ?? null;
    context.accept();
  }

  #fail(context: AuthContext, target: Target | null, method: string, what: string): void {
    this.#failures++;
    const { remote } = this;
    const most = target?.candidate.config.maxAuthTries ?? 6;
    const invalid = target?.candidate.account ? '' : 'invalid user ';
    const loud = target?.candidate.config.verbose || invalid !== '' || method === 'password';
    if (loud || this.#failures >= most / 2)
      this.tell(
        `Failed ${method} for ${invalid}${this.#user} from ${remote.address} port ${remote.port} ssh2${what}`,
      );
    this.#door.keeper.failed(target?.candidate.vm.id ?? '', this.#user, remote.address);
    if (this.#failures < most) {
      context.reject(target?.methods ?? ['publickey']);
      return;
    }
    this.tell(
      `error: maximum authentication attempts exceeded for ${invalid}${this.#user} from ${remote.address} port ${remote.port} ssh2 [preauth]`,
    );
    this.tell(
      `Disconnecting ${invalid || 'authenticating user '}${this.#user} ${remote.address} port ${remote.port}: Too many authentication failures [preauth]`,
    );
    (this.#client as unknown as { _protocol: { disconnect(reason: number): void } })._protocol.disconnect(
      TOO_MANY,
    );
    this.#socket.end();
  }

  #ready(client: Client): void {
    const { maxSessions } = this.login.config;
    client.on('session', (accept, reject) => {
      if (this.#sessions.size >= Math.min(maxSessions, this.#door.keeper.limits.channels)) return reject();
      const channel = accept();
      const session = new SshSession(this, channel);
      this.#sessions.add(session);
      channel.once('close', () => this.#sessions.delete(session));
    });
    client.on('tcpip', (accept, reject, info) => void forward(this, info, accept, reject));
    // Remote forwarding would let others in; "no more sessions" is answered by the library.
    client.on('request', (_accept, reject) => reject?.());
  }

  /** Enters a terminal into the lab's records; answers what to call when it is over. */
  openedTerminal(terminal: string): () => void {
    const { terminalSessions } = this.#door.lab;
    const entered = terminalSessions
      .opened({
        terminal,
        vmId: this.vm.id,
        personId: this.#personId,
        user: this.login.account.name,
        via: 'ssh',
        remoteAddress: this.remote.address,
      })
      .catch(() => null);
    return () => {
      entered.then((id) => (id === null ? undefined : terminalSessions.closed(id))).catch(() => undefined);
    };
  }

  /** The machine did not do what was asked: a dead one leaves its clients hanging, one that was switched off drops them. */
  machineFailed(error: unknown): void {
    if (error instanceof HostError && error.code === 'guest') return;
    if (this.vm && error instanceof HostError && error.code === 'wrong-state') {
      this.host.status(this.vm.id).then(
        (status) => (status.kernel.health === 'panicked' ? this.stall() : this.cut()),
        () => this.cut(),
      );
      return;
    }
    if (!(error instanceof HostError))
      this.#door.log('error', 'ssh: a connection failed', { error: String(error) });
    this.cut();
  }

  /** The machine is dead: nothing is read, nothing is answered, until it is started again. */
  stall(): void {
    this.#dead = true;
    clearTimeout(this.#graceTimer);
    this.#socket.pause();
    this.#socket.removeAllListeners('data');
  }
  get stalled(): boolean {
    return this.#dead;
  }

  /** The machine no longer knows this connection. */
  cut(): void {
    if (this.#dead) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }

  #tooLate(): void {
    this.tell(
      `Timeout before authentication for connection from ${this.remote.address} to ${this.local.address}, pid = ${this.#pid}`,
    );
    this.#socket.destroy();
  }

  #gone(): void {
    clearTimeout(this.#graceTimer);
    this.#entered.gone();
    for (const session of this.#sessions) session.drop();
    if (this.#dead) return;
    const { remote } = this;
    if (!this.#authenticated) {
      if (this.#user !== '' || this.vm)
        this.tell(
          this.#user === ''
            ? `Connection closed by ${remote.address} port ${remote.port} [preauth]`
            : `Connection closed by ${this.#invalid ? 'invalid' : 'authenticating'} user ${this.#user} ${remote.address} port ${remote.port} [preauth]`,
        );
      return;
    }
    const { name } = this.login.account;
    if (this.#byUser)
      this.tell(`Received disconnect from ${remote.address} port ${remote.port}:11: disconnected by user`);
    this.tell(
      this.#byUser
        ? `Disconnected from user ${name} ${remote.address} port ${remote.port}`
        : `Connection closed by ${remote.address} port ${remote.port}`,
    );
    this.tell(`pam_unix(sshd:session): session closed for user ${name}`);
  }
}
