/**
 * One session channel: a login on a terminal, a command on pipes, or a subsystem. Always true: what runs is started by the machine's
 * own `sshd-session` (src/guest/ssh/session.c) as root, which becomes the user; a channel ends with the status of what ran, and
 * a machine that is dead answers nothing at all.
 */
import type { PseudoTtyInfo, ServerChannel, Session } from 'ssh2';
import { HostError, type ProcessExit, type WindowSize } from '../../host/types.ts';
import type { Connection } from './connection.ts';
import { ChannelWriter, copy, feed } from './pump.ts';
import { SftpGate } from './sftp-gate.ts';
import { matches } from './sshd-config.ts';

const SESSION_PROGRAM = '/usr/lib/oopsbox/sshd-session';
const SFTP_SERVER = '/usr/lib/openssh/sftp-server';
/** Shells that run a command as it is told; others (nologin) may refuse. */
const SHELLS = /^(\/usr)?\/bin\/(ba|da)?sh$/;
const MAX_ENVIRONMENT = 100;
const MAX_VALUE = 4096;
const MAX_SIDE = 1000;

type Kind = { what: 'shell' } | { what: 'exec'; command: string } | { what: 'subsystem'; name: string };

const side = (value: number, otherwise: number): number =>
  Number.isInteger(value) && value > 0 ? Math.min(value, MAX_SIDE) : otherwise;

const windowOf = (info: { rows: number; cols: number }): WindowSize => ({
  rows: side(info.rows, 24),
  cols: side(info.cols, 80),
});

/** Something that runs for a channel, whatever it runs on. */
interface Running {
  signal(name: string): Promise<void>;
  resize(size: WindowSize): void;
  /** The client is gone. */
  drop(): void;
}

let lastId = 0;

/** Serves a session channel of an authenticated connection. */
export class SshSession {
  readonly id = lastId++;
  readonly #connection: Connection;
  readonly #environment: Record<string, string> = {};
  #pty: (WindowSize & { term: string }) | null = null;
  #running: Running | null = null;
  #started = false;
  #dropped = false;

  constructor(connection: Connection, session: Session) {
    this.#connection = connection;
    const answer = (ok: boolean, accept: (() => void) | undefined, reject: (() => void) | undefined): void =>
      ok ? accept?.() : reject?.();
    session.on('pty', (accept, reject, info) => answer(this.#takePty(info), accept, reject));
    session.on('env', (accept, reject, info) =>
      answer(this.#takeEnvironment(info.key, info.val), accept, reject),
    );
    session.on('window-change', (accept, _reject, info) => {
      const size = windowOf(info);
      if (this.#pty) this.#pty = { ...this.#pty, ...size };
      this.#running?.resize(size);
      accept?.();
    });
    session.on('signal', (accept, reject, info) => {
      const name = `SIG${String(info.name).replace(/[^A-Z0-9]/g, '')}`;
      if (!this.#running) return reject?.();
      this.#running.signal(name).catch(() => undefined);
      accept?.();
    });
    session.on('shell', (accept, reject) => this.#start({ what: 'shell' }, accept, reject));
    session.on('exec', (accept, reject, info) =>
      this.#start({ what: 'exec', command: info.command }, accept, reject),
    );
    session.on('subsystem', (accept, reject, info) =>
      this.#start({ what: 'subsystem', name: info.name }, accept, reject),
    );
    session.on('close', () => this.drop());
  }

  #takePty(info: PseudoTtyInfo & { term?: string }): boolean {
    const { options, config } = this.#connection.login;
    if (!options.pty || !config.permitTty || this.#started) return false;
    this.#pty = { ...windowOf(info), term: String(info.term ?? 'dumb').slice(0, 64) };
    return true;
  }

  #takeEnvironment(name: string, value: string): boolean {
    const { config } = this.#connection.login;
    if (!config.acceptEnv.some((pattern) => matches(pattern, name))) return false;
    if (Object.keys(this.#environment).length >= MAX_ENVIRONMENT || value.length > MAX_VALUE) return false;
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || value.includes('\0')) return false;
    this.#environment[name] = value;
    return true;
  }

  /** What is run for a request: the forced command before what was asked for; null: nothing can be. */
  #command(kind: Kind): { command: string | null; sftp: boolean } | null {
    const { options, config } = this.#connection.login;
    const subsystem = kind.what === 'subsystem' ? (kind.name === 'sftp' ? config.sftp : null) : null;
    if (kind.what === 'subsystem' && subsystem === null) return null;
    const asked = kind.what === 'exec' ? kind.command : subsystem;
    const forced = config.forceCommand ?? options.command;
    if (forced === null) return { command: asked, sftp: subsystem !== null };
    if (asked !== null) this.#environment.SSH_ORIGINAL_COMMAND = asked;
    return { command: forced, sftp: false };
  }

  #start(kind: Kind, accept: () => ServerChannel, reject: (() => void) | undefined): void {
    const plan = this.#started ? null : this.#command(kind);
    if (!plan || plan.command?.includes('\0')) {
      reject?.();
      return;
    }
    this.#started = true;
    const { remote, local, login } = this.#connection;
    const argv = [SESSION_PROGRAM, login.account.name, remote.address];
    if (plan.command !== null) argv.push(plan.command);
    const env = {
      ...this.#environment,
      SSH_CLIENT: `${remote.address} ${remote.port} ${local.port}`,
      SSH_CONNECTION: `${remote.address} ${remote.port} ${local.address} ${local.port}`,
    };
    const what =
      kind.what === 'shell' ? 'shell' : kind.what === 'exec' ? 'command' : `subsystem '${kind.name}'`;
    // At once: a client that has nothing to send says so before the machine has started anything.
    const channel = accept();
    if (!channel) return;
    const onTerminal = this.#pty !== null && !plan.sftp;
    const running = onTerminal
      ? this.#onTerminal(argv, env, channel, what)
      : plan.sftp && this.#isPlainSftp(plan.command)
        ? this.#onFiles(channel, what)
        : this.#onPipes(argv, env, channel, plan.sftp, what);
    running.catch((error: unknown) => {
      if (this.#dropped) return;
      this.#connection.machineFailed(error);
      if (!(error instanceof HostError) || error.code !== 'guest') return;
      channel.stderr.write(`${error.message}\r\n`);
      this.#finish(channel, { exitCode: 255, signal: null });
    });
  }

  #say(what: string, line = ''): void {
    const { login, remote } = this.#connection;
    const place = line === '' ? '' : ` on ${line}`;
    if (login.config.verbose)
      this.#connection.tell(
        `Starting session: ${what}${place} for ${login.account.name} from ${remote.address} port ${remote.port} id ${this.id}`,
      );
  }

  /** The same with the terminal's name, which its process knows. */
  #sayTerminal(what: string, pid: number): void {
    const { host, vm, login } = this.#connection;
    if (!login.config.verbose) return;
    host.stat(vm.id, `/proc/${pid}/fd/0`).then(
      ({ target }) => this.#say(what, target?.replace(/^\/dev\//, '')),
      () => undefined,
    );
  }

  async #onTerminal(
    argv: string[],
    env: Record<string, string>,
    channel: ServerChannel,
    what: string,
  ): Promise<void> {
    const { host, vm, remote, login } = this.#connection;
    const pty = this.#pty as WindowSize & { term: string };
    const terminal = await host.openTerminal(vm.id, {
      user: 'root',
      size: { rows: pty.rows, cols: pty.cols },
      argv,
      env: { ...env, TERM: pty.term },
      remoteHost: remote.address,
    });
    const label = `ssh ${login.account.name}@${remote.address}`;
    const attachment = await host.attach(vm.id, terminal.id, { label, writer: true, fromOffset: 0 });
    const closed = this.#connection.openedTerminal(terminal.id);
    const hangUp = (): void => {
      closed();
      attachment.detach();
      host.hangup(vm.id, terminal.id).catch(() => undefined);
    };
    if (this.#dropped) return hangUp();
    if (this.#pty && (this.#pty.rows !== pty.rows || this.#pty.cols !== pty.cols))
      attachment.resize(this.#pty);
    this.#running = {
      signal: (name) => attachment.signal(name),
      resize: (size) => attachment.resize(size),
      drop: hangUp,
    };
    this.#sayTerminal(what, terminal.pid);
    const writer = new ChannelWriter(channel);
    if (attachment.input) feed(channel, attachment.input);
    if (attachment.screen.length > 0) await writer.write(attachment.screen);
    const [exit] = await Promise.all([
      attachment.exit,
      copy(attachment.output, (bytes) => writer.write(bytes)),
    ]);
    closed();
    attachment.detach();
    this.#finish(channel, exit);
  }

  async #onPipes(
    argv: string[],
    env: Record<string, string>,
    channel: ServerChannel,
    sftp: boolean,
    what: string,
  ): Promise<void> {
    const { host, vm } = this.#connection;
    const child = await host.spawn(vm.id, { argv, env, user: 'root' });
    if (this.#dropped) return child.close();
    this.#running = {
      signal: (name) => child.signal(name),
      resize: () => undefined,
      drop: () => child.close(),
    };
    this.#say(what);
    const writer = new ChannelWriter(channel);
    const gate = sftp ? new SftpGate(() => host.sync(vm.id)) : null;
    if (gate) channel.on('data', (bytes: Buffer) => gate.request(bytes));
    feed(channel, child.stdin);
    const toClient = (bytes: Buffer): Promise<void> => writer.write(bytes);
    const [exit] = await Promise.all([
      child.exit,
      copy(child.stdout, gate ? (bytes) => gate.answer(bytes, toClient) : toClient),
      copy(child.stderr, (bytes) => writer.write(bytes, 'stderr')),
    ]);
    this.#finish(channel, exit);
  }

  /** The stock sftp-server, which a shell would have started: the host's own does the same faster. */
  #isPlainSftp(command: string | null): boolean {
    return command === SFTP_SERVER && SHELLS.test(this.#connection.login.account.shell);
  }

  async #onFiles(channel: ServerChannel, what: string): Promise<void> {
    const { host, vm, login } = this.#connection;
    const session = await host.sftp(vm.id, login.account.name);
    const drop = (): void => {
      session.input.destroy();
      session.output.destroy();
    };
    if (this.#dropped) return drop();
    this.#running = { signal: async () => drop(), resize: () => undefined, drop };
    this.#say(what);
    const writer = new ChannelWriter(channel);
    const gate = new SftpGate(() => host.sync(vm.id));
    channel.on('data', (bytes: Buffer) => gate.request(bytes));
    feed(channel, session.input);
    await copy(session.output, (bytes) => gate.answer(bytes, (answer) => writer.write(answer)));
    this.#finish(channel, { exitCode: 0, signal: null });
  }

  #finish(channel: ServerChannel, exit: ProcessExit): void {
    this.#running = null;
    const { login, remote } = this.#connection;
    if (login.config.verbose)
      this.#connection.tell(
        `Close session: user ${login.account.name} from ${remote.address} port ${remote.port} id ${this.id}`,
      );
    if (exit.signal === null) channel.exit(exit.exitCode ?? 255);
    else channel.exit(exit.signal.replace(/^SIG/, ''), false, '');
    channel.end();
  }

  /** The client has closed the channel or is gone. */
  drop(): void {
    this.#dropped = true;
    this.#running?.drop();
    this.#running = null;
  }
}
