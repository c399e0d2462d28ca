/**
 * The whole lab server in one call: host, lab, HTTP and SSH over one data folder. Always true: one server at a time has a data folder;
 * closing it puts every machine to sleep in the store, and what cannot be opened closes what was.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, realpathSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { basename, join } from 'node:path';
import { type DestinationStream, type Logger, pino } from 'pino';
import { openHost, type WorkerHost } from '../host/index.ts';
import type { BuildOptions } from '../image/index.ts';
import { type Lab, openLab } from '../lab/index.ts';
import { KERNELS, openProvisionedImage } from '../vm/index.ts';
import { buildServer } from './app.ts';
import type { App, Limits } from './context.ts';
import { SECRETS } from './plugins/log.ts';
import { openSsh, type SshFrontDoor } from './ssh/index.ts';

/** How a server is opened; main.ts reads them from the environment. */
export interface ServerSettings {
  dataFolder: string;
  /** Address to listen on. */
  bindHost: string;
  /** 0: any that is free. */
  port: number;
  /** 0: any that is free; null: no SSH. */
  sshPort: number | null;
  /** Machines answer at this IPv6 prefix too. */
  sshIpv6Prefix?: string;
  databaseUrl?: string;
  webFolder?: string;
  workers?: number;
  hibernateAfterSec?: number;
  limits?: Partial<Limits>;
  /** Addresses of proxies whose X-Forwarded-For is believed. */
  trustProxy?: string[];
  version?: string;
  log?: { level: string; destination: DestinationStream };
  /** Told of the making of the base image where it is missing. */
  onProgress?: BuildOptions['onProgress'];
  /** Called as soon as lab and host are open, before anybody may call. */
  prepare?(parts: { lab: Lab; host: WorkerHost; url: string }): Promise<void>;
}

/** A server that answers. */
export interface OpenServer {
  url: string;
  app: App;
  lab: Lab;
  host: WorkerHost;
  ssh: SshFrontDoor | null;
  close(): Promise<void>;
}

/** Something that whoever starts the server can mend; the message is the sentence to show. */
export class ServerStartError extends Error {
  override name = 'ServerStartError';
}

/** Holds the data folder as long as this process lives: an abstract socket, which no crash leaves behind. */
async function holdFolder(folder: string): Promise<() => void> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const id = createHash('sha256').update(realpathSync(folder)).digest('hex').slice(0, 32);
  const lock = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    lock.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'EADDRINUSE'
          ? new ServerStartError(`another server has ${folder}: stop it, or set OOPSBOX_DATA`)
          : error,
      ),
    );
    lock.listen(`\0oopsbox-${id}`, resolve);
  });
  lock.unref();
  return () => lock.close();
}

async function listen(app: App, host: string, port: number): Promise<number> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE')
      throw new ServerStartError(`port ${port} is taken: stop what has it, or set OOPSBOX_PORT`);
    if (code === 'EACCES' || code === 'EADDRNOTAVAIL')
      throw new ServerStartError(
        `cannot listen on ${host} port ${port} (${code}): set OOPSBOX_HOST and OOPSBOX_PORT`,
      );
    throw error;
  }
  return (app.server.address() as AddressInfo).port;
}

const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host);

/** Opens everything, bottom up. */
export async function openServer(settings: ServerSettings): Promise<OpenServer> {
  const { dataFolder, bindHost } = settings;
  const undo: (() => unknown)[] = [];
  const close = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    undo.push(await holdFolder(dataFolder));
    const log: Logger = pino(
      { level: settings.log?.level ?? 'silent', redact: { paths: SECRETS, censor: '(secret)' } },
      settings.log?.destination ?? { write: () => {} },
    );
    const note = (level: 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown> = {}) =>
      log[level](fields, message);
    const image = await openProvisionedImage({ onProgress: settings.onProgress });
    image.close();
    const host = await openHost({
      dataFolder,
      workers: settings.workers,
      hibernateAfterSec: settings.hibernateAfterSec,
      log: note,
    });
    undo.push(() => host.close());
    const lab = await openLab({
      dataFolder,
      host,
      databaseUrl: settings.databaseUrl,
      image: { name: basename(image.path).replace(/\.\w+$/, ''), kernels: Object.keys(KERNELS) },
      log: note,
    });
    undo.push(() => lab.close());
    // Machines sleep before the books are closed: what they report on the way is still written down.
    undo.push(() => host.close());
    let ssh: SshFrontDoor | null = null;
    const app = await buildServer({
      lab,
      host,
      log: log as never,
      limits: settings.limits,
      trustProxy: settings.trustProxy,
      webFolder: settings.webFolder,
      version: settings.version,
      metrics: () => ssh?.metrics() ?? {},
    });
    undo.push(() => app.close());
    const port = await listen(app, bindHost, settings.port);
    const shown = bindHost === '0.0.0.0' || bindHost === '::' ? '127.0.0.1' : bindHost;
    const url = `http://${bracketed(shown)}:${port}`;
    await settings.prepare?.({ lab, host, url });
    if (settings.sshPort !== null) {
      ssh = await openSsh({
        host,
        lab,
        bindHost,
        port: settings.sshPort,
        ipv6Prefix: settings.sshIpv6Prefix,
        dataFolder,
        log: note as never,
      });
      undo.push(() => ssh?.close());
    }
    log.info({ url, sshPort: ssh?.port, data: join(dataFolder) }, 'the server is open');
    return { url, app, lab, host, ssh, close };
  } catch (error) {
    await close();
    throw error;
  }
}
