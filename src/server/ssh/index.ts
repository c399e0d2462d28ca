/**
 * The SSH front door of the lab: `ssh -p 2222 student@anil-vm`. Always true: a machine answers at its own address while it runs, with the
 * host keys on its own disk, and refuses connections while it does not; on the lab's address a login name says which machine
 * is meant (`student%anil-vm`, `student%anil-vm.os-2026`).
 */

import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { sshHostKeyFiles } from '../../host/ssh-host-keys.ts';
import { type Host, HostError, type VmState } from '../../host/types.ts';
import type { VmRecord } from '../../lab/types.ts';
import { type HostKey, parseLoginName, readHostKeys } from './account.ts';
import type { SshLab } from './auth.ts';
import { AuthLog } from './auth-log.ts';
import { Connection, type Door } from './connection.ts';
import { fileText } from './guest-files.ts';
import { DEFAULT_SSH_LIMITS, Doorkeeper, type SshLimits } from './limits.ts';
import { readSshdConfig, type SshdConfig } from './sshd-config.ts';

export { DEFAULT_SSH_LIMITS, type SshLimits } from './limits.ts';

export interface SshOptions {
  host: Host;
  lab: SshLab;
  /** Where the server listens (OOPSBOX_HOST): the lab's own address. */
  bindHost: string;
  /** OOPSBOX_SSH_PORT; 0: any. */
  port: number;
  /** The lab's own host key is kept here. */
  dataFolder: string;
  /** A prefix of 96 bits or fewer, as `fd00:1::`: machines answer there too, with their IPv4 address as the last 32 bits. */
  ipv6Prefix?: string;
  limits?: Partial<SshLimits>;
  log?: Door['log'];
}

export interface SshFrontDoor {
  readonly port: number;
  /** What the metrics tell. */
  metrics(): Record<string, number>;
  close(): Promise<void>;
}

const BACKLOG = 511;
const ANSWERS: readonly VmState[] = ['ACTIVE', 'SUSPENDED'];
const WILDCARDS = new Set(['0.0.0.0', '::', '']);
const quiet: Door['log'] = () => undefined;

/** The IPv6 address of a machine: the prefix, and its IPv4 address as the last 32 bits. */
export function ipv6Address(prefix: string, address: string): string {
  const [a, b, c, d] = address.split('.').map(Number);
  const word = (high: number, low: number): string => ((high << 8) | low).toString(16);
  const groups = prefix
    .replace(/\/\d+$/, '')
    .replace(/:*$/, '')
    .split(':');
  const text = `${groups.join(':')}${groups.length === 6 ? ':' : '::'}${word(a, b)}:${word(c, d)}`;
  // As the kernel writes it (RFC 5952).
  return new URL(`http://[${text}]`).hostname.slice(1, -1);
}

/** The lab's own host keys, made once. */
function labKeys(dataFolder: string): HostKey[] {
  const folder = join(dataFolder, 'ssh');
  const seedFile = join(folder, 'host-key-seed');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  let seed: Buffer;
  try {
    seed = readFileSync(seedFile);
    if (seed.length !== 32) throw new Error(`${seedFile} is damaged: remove it to get new host keys`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    seed = randomBytes(32);
    writeFileSync(`${seedFile}.new`, seed, { mode: 0o600 });
    renameSync(`${seedFile}.new`, seedFile);
  }
  return sshHostKeyFiles(seed, 'lab')
    .filter(({ path }) => !path.endsWith('.pub'))
    .map(({ content }) => content);
}

/** Opens the front door; machines that come and go are followed. */
export async function openSsh(options: SshOptions): Promise<SshFrontDoor> {
  const door = new FrontDoor(options);
  await door.open();
  return door;
}

class FrontDoor implements SshFrontDoor, Door {
  readonly host: Host;
  readonly lab: SshLab;
  readonly keeper: Doorkeeper;
  readonly authLog: AuthLog;
  readonly log: Door['log'];
  readonly #options: SshOptions;
  readonly #labKeys: HostKey[];
  readonly #listeners = new Map<string, Server>();
  readonly #vms = new Map<string, VmRecord>();
  readonly #byAddress = new Map<string, VmRecord>();
  readonly #states = new Map<string, VmState>();
  readonly #connections = new Map<Connection, Socket>();
  readonly #sockets = new Set<Socket>();
  readonly #counters = { accepted: 0, refused: 0 };
  #port: number;
  #closed = false;
  #unfollow: (() => void)[] = [];

  constructor(options: SshOptions) {
    this.#options = options;
    this.host = options.host;
    this.lab = options.lab;
    this.log = options.log ?? quiet;
    this.keeper = new Doorkeeper({ ...DEFAULT_SSH_LIMITS, ...options.limits });
    this.authLog = new AuthLog(options.host);
    this.#port = options.port;
    this.#labKeys = labKeys(options.dataFolder);
  }

  get port(): number {
    return this.#port;
  }

  async open(): Promise<void> {
    const own = await this.#listen(this.#options.bindHost, null);
    const address = own.address();
    if (address && typeof address === 'object') this.#port = address.port;
    // Addresses of a routed prefix are on no interface: only a listener for all of them gets their connections.
    if (this.#options.ipv6Prefix && this.#options.bindHost !== '::') await this.#listen('::', 'by address');
    this.#unfollow = [
      this.lab.vms.onChange(({ kind, vm }) => {
        if (kind === 'removed') this.#forget(vm);
        else this.#learn(vm);
      }),
      this.host.onEvent(({ vmId, kind, detail }) => {
        if (kind === 'state') this.#stateChanged(vmId, String(detail.state ?? detail.to) as VmState);
        if (kind === 'panic' || kind === 'simulator.bug')
          this.#each(vmId, (connection) => connection.stall());
      }),
    ];
    for (const status of await this.host.list()) this.#states.set(status.id, status.state);
    await Promise.all((await this.lab.vms.all()).map((vm) => this.#learn(vm)));
  }

  #each(vmId: string, act: (connection: Connection) => void): void {
    for (const connection of this.#connections.keys()) if (connection.vm?.id === vmId) act(connection);
  }

  #addresses(vm: VmRecord): string[] {
    const { ipv6Prefix } = this.#options;
    return ipv6Prefix ? [vm.address, ipv6Address(ipv6Prefix, vm.address)] : [vm.address];
  }

  /** A machine that is new, changed, or was started. */
  async #learn(vm: VmRecord): Promise<void> {
    const before = this.#vms.get(vm.id);
    if (before && before.address !== vm.address) this.#forget(before);
    this.#vms.set(vm.id, vm);
    for (const address of this.#addresses(vm)) this.#byAddress.set(address, vm);
    if (!this.#states.has(vm.id)) {
      const status = await this.host.status(vm.id).catch(() => null);
      if (status && !this.#states.has(vm.id)) this.#states.set(vm.id, status.state);
    }
    await this.#adjust(vm);
  }

  #forget(vm: VmRecord): void {
    this.#vms.delete(vm.id);
    this.#states.delete(vm.id);
    for (const address of this.#addresses(vm)) this.#byAddress.delete(address);
    this.#unlisten(vm.address);
    this.#each(vm.id, (connection) => connection.cut());
  }

  #stateChanged(vmId: string, state: VmState): void {
    this.#states.set(vmId, state);
    const vm = this.#vms.get(vmId);
    if (vm) void this.#adjust(vm);
    if (!ANSWERS.includes(state)) this.#each(vmId, (connection) => connection.cut());
  }

  /** Listens for a machine that runs, and no longer for one that does not. */
  async #adjust(vm: VmRecord): Promise<void> {
    if (WILDCARDS.has(this.#options.bindHost) || this.#closed) return;
    const answers = ANSWERS.includes(this.#states.get(vm.id) ?? 'BUILD');
    if (!answers) this.#unlisten(vm.address);
    else if (!this.#listeners.has(vm.address))
      await this.#listen(vm.address, vm.id).then(
        () => this.log('info', `ssh: for /etc/hosts: ${this.#addresses(vm).join(' and ')} ${vm.name}`),
        (error: Error) => this.log('warn', `ssh: cannot listen on ${vm.address}: ${error.message}`),
      );
  }

  /** `vmId`: whose the address is; null: the lab's own; `by address`: machines only, by the address that was connected to. */
  #listen(address: string, vmId: string | null): Promise<Server> {
    const server = createServer(
      { noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 },
      (socket) => {
        this.#sockets.add(socket);
        socket.once('close', () => this.#sockets.delete(socket));
        socket.on('error', () => socket.destroy());
        this.#welcome(socket, vmId).catch((error: unknown) => {
          if (!(error instanceof HostError))
            this.log('error', 'ssh: a connection failed', { error: String(error) });
          socket.destroy();
        });
      },
    );
    this.#listeners.set(address, server);
    return new Promise((resolve, reject) => {
      server.once('error', (error) => {
        this.#listeners.delete(address);
        reject(error);
      });
      const ipv6Only = vmId === 'by address';
      server.listen({ host: address || undefined, port: this.#port, backlog: BACKLOG, ipv6Only }, () => {
        server.removeAllListeners('error');
        server.on('error', (error) => this.log('error', `ssh: ${error.message}`));
        resolve(server);
      });
    });
  }

  #unlisten(address: string): void {
    this.#listeners.get(address)?.close();
    this.#listeners.delete(address);
  }

  /** A socket that was just accepted. */
  async #welcome(socket: Socket, vmId: string | null): Promise<void> {
    const address = (socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/i, '');
    const local = (socket.localAddress ?? '').replace(/^::ffff:(?=\d+\.)/i, '');
    const vm = this.#vms.get(vmId ?? '') ?? this.#byAddress.get(local) ?? null;
    if (vmId !== null && !vm) {
      socket.resetAndDestroy();
      return;
    }
    if (vm && !ANSWERS.includes(this.#states.get(vm.id) ?? 'BUILD')) {
      socket.resetAndDestroy();
      return;
    }
    const entered = this.keeper.enter(vm?.id ?? '', address);
    if (!entered) {
      this.#counters.refused++;
      socket.destroy();
      return;
    }
    this.#counters.accepted++;
    let mine = false;
    socket.once('close', () => {
      if (!mine) entered.gone();
    });
    const graceTimer = setTimeout(() => socket.destroy(), this.keeper.limits.loginGraceSec * 1000);
    try {
      const place = vm ? await this.#look(vm) : null;
      if (place === 'dead') {
        // As when a machine hangs: the connection is there, and nobody answers.
        socket.resume();
        await new Promise((resolve) => socket.once('close', resolve));
        return;
      }
      const keys = place?.keys ?? this.#labKeys;
      if (vm && keys.length === 0) {
        this.authLog.write(vm, 1, 'error: sshd: no hostkeys available -- exiting.');
        socket.destroy();
        return;
      }
      if (socket.destroyed) return;
      mine = true;
      const banner = place?.banner ?? undefined;
      const connection = new Connection(this, socket, entered, place, parseLoginName, keys, banner);
      this.#connections.set(connection, socket);
      socket.once('close', () => this.#connections.delete(connection));
    } finally {
      clearTimeout(graceTimer);
    }
  }

  /** What a machine's disk says before anybody speaks; `dead` when it is past answering. */
  async #look(
    vm: VmRecord,
  ): Promise<{ vm: VmRecord; config: SshdConfig; keys: HostKey[]; banner: string | null } | 'dead'> {
    const { host } = this;
    const status = await host.status(vm.id);
    if (status.kernel.health === 'panicked' || status.kernel.health === 'simulator bug') return 'dead';
    const config = await readSshdConfig(host, vm.id);
    const [keys, banner] = await Promise.all([
      readHostKeys(host, vm.id, config),
      config.banner === null ? null : fileText(host, vm.id, config.banner),
    ]);
    return { vm, config, keys, banner };
  }

  async find(
    vmName: string | null,
    course: string | null,
  ): Promise<{ vm: VmRecord; config: SshdConfig } | null> {
    if (vmName === null) return null;
    const found = await this.lab.vms.byName(vmName, course ?? undefined).catch(() => []);
    // Two courses may have machines of one name: then the course must be told.
    const vm = found.length === 1 ? found[0] : null;
    if (!vm || !ANSWERS.includes(this.#states.get(vm.id) ?? 'BUILD')) return null;
    const place = await this.#look(vm);
    return place === 'dead' ? null : place;
  }

  metrics(): Record<string, number> {
    return {
      ssh_connections: this.#connections.size,
      ssh_connections_unauthenticated: this.keeper.startups,
      ssh_connections_accepted_total: this.#counters.accepted,
      ssh_connections_refused_total: this.#counters.refused,
      ssh_listeners: this.#listeners.size,
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const unfollow of this.#unfollow) unfollow();
    for (const address of [...this.#listeners.keys()]) this.#unlisten(address);
    for (const socket of this.#sockets) socket.destroy();
    await this.authLog.flush();
  }
}
