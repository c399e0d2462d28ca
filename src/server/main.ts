/**
 * `npm start`: the lab server as a process. Always true: what it is told comes from the environment (README), what it says on the
 * terminal is for a person, and its log goes where that does not disturb: a file beside the data, or standard error for machines.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import closeWithGrace from 'close-with-grace';
import { pino } from 'pino';
import { buildWeb } from '../../clients/web/build.ts';
import { cacheFolder, showProgress } from '../image/index.ts';
import { type DemoFile, seedDemo } from '../lab/demo.ts';
import { DEFAULT_LIMITS } from './context.ts';
import { openServer, type ServerSettings, ServerStartError } from './server.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DEFAULT_PORT = 8080;
const DEFAULT_SSH_PORT = 2222;
/** Time to put all machines to sleep; then the process ends as it is, which loses nothing that was synced. */
const CLOSE_MS = 45_000;

type Environment = Record<string, string | undefined>;

function portOf(environment: Environment, name: string, otherwise: number): number {
  const text = environment[name];
  if (text === undefined || text === '') return otherwise;
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535)
    throw new ServerStartError(`${name} is a port from 0 (any) to 65535, not ${text}`);
  return port;
}

function hostOf(environment: Environment): string {
  const host = environment.OOPSBOX_HOST || '127.0.0.1';
  if (host !== 'localhost' && isIP(host) === 0)
    throw new ServerStartError(
      `OOPSBOX_HOST is an address to listen on, as 127.0.0.1 or 0.0.0.0, not ${host}`,
    );
  return host === 'localhost' ? '127.0.0.1' : host;
}

function countOf(environment: Environment, name: string, what: string): number | undefined {
  const text = environment[name];
  if (text === undefined || text === '') return undefined;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new ServerStartError(`${name} is ${what}, from 1 on, not ${text}`);
  return Number(text);
}

function proxyOf(environment: Environment): string[] | undefined {
  const addresses = (environment.OOPSBOX_TRUST_PROXY ?? '').split(',').filter((one) => one !== '');
  for (const address of addresses)
    if (isIP(address.replace(/\/\d+$/, '')) === 0)
      throw new ServerStartError(`OOPSBOX_TRUST_PROXY is addresses of your proxies, a,b/24, not ${address}`);
  return addresses.length === 0 ? undefined : addresses;
}

function levelOf(environment: Environment): string {
  const level = environment.OOPSBOX_LOG_LEVEL || 'info';
  if (level !== 'silent' && !Object.hasOwn(pino.levels.values, level))
    throw new ServerStartError(
      `OOPSBOX_LOG_LEVEL is one of silent, ${Object.keys(pino.levels.values).join(', ')}, not ${level}`,
    );
  return level;
}

/** The settings that the environment gives. Throws a {@link ServerStartError} that names the variable. */
export function settingsOf(environment: Environment): ServerSettings {
  const dataFolder = resolve(environment.OOPSBOX_DATA || join(ROOT, 'data'));
  const rate = countOf(environment, 'OOPSBOX_RATE_LIMIT', 'requests a minute for each person');
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  return {
    dataFolder,
    bindHost: hostOf(environment),
    port: portOf(environment, 'OOPSBOX_PORT', DEFAULT_PORT),
    sshPort:
      environment.OOPSBOX_SSH_PORT === 'off'
        ? null
        : portOf(environment, 'OOPSBOX_SSH_PORT', DEFAULT_SSH_PORT),
    sshIpv6Prefix: environment.OOPSBOX_SSH_IPV6_PREFIX || undefined,
    databaseUrl: environment.DATABASE_URL || undefined,
    limits: rate === undefined ? {} : { ...DEFAULT_LIMITS, requestsPerMinute: rate },
    workers: countOf(environment, 'OOPSBOX_WORKERS', 'how many threads run VMs'),
    hibernateAfterSec: countOf(environment, 'OOPSBOX_HIBERNATE_SEC', 'seconds until an idle VM sleeps'),
    trustProxy: proxyOf(environment),
    version,
  };
}

/** What a newcomer reads first. */
function welcome(
  url: string,
  settings: ServerSettings,
  sshPort: number | null,
  demo: DemoFile | null,
): string {
  const lines = ['', `  Oopsbox is open at ${url}  (API: ${url}/api/v1/docs)`];
  if (demo !== null) {
    const { vm, tokens } = demo;
    lines.push(
      '',
      `  Sign in, in a browser, as the student of the demo course:`,
      `    ${url}/?vm=${encodeURIComponent(vm.id)}#token=${tokens.student}`,
      `  Every role's token is in ${join(settings.dataFolder, 'demo.json')}.`,
      '',
      '  Try next, in another terminal:',
      `    export OOPSBOX_URL=${url} OOPSBOX_TOKEN=${tokens.student}`,
      `    npx oopsbox ssh ${vm.name}                    # a shell; Ctrl-] leaves`,
      `    npx oopsbox exec ${vm.name} 'uname -a; id'    # one command`,
      `    npx oopsbox console ${vm.name}                # the serial console, where an oops shows`,
    );
    if (sshPort !== null)
      lines.push(
        '',
        '  With a key registered, and this line in /etc/hosts (npx oopsbox hosts --write):',
        `    ${vm.address} ${vm.name}`,
        `    ssh -p ${sshPort} student@${vm.name}`,
      );
  }
  if (demo === null)
    lines.push(
      '',
      `  The lab is empty. An administrator's token is in ${join(settings.dataFolder, 'admin.json')}.`,
      '',
      '  Try next, in another terminal:',
      `    export OOPSBOX_URL=${url} OOPSBOX_TOKEN=$(node -p 'require("${join(settings.dataFolder, 'admin.json')}").tokens.admin')`,
      `    curl -H "Authorization: Bearer $OOPSBOX_TOKEN" -H 'Content-Type: application/json' \\`,
      `      -d '{"slug":"os","title":"Operating systems"}' ${url}/api/v1/courses`,
      '    npx oopsbox vm create my-vm',
      '    npx oopsbox ssh my-vm',
    );
  lines.push('', '  Ctrl-C stops it; the VMs sleep meanwhile and go on where they were.', '');
  return `${lines.join('\n')}\n`;
}

/** Starts the server of this process and keeps it until a signal comes. */
export async function startServer(environment: Environment = process.env): Promise<void> {
  const settings = settingsOf(environment);
  const level = levelOf(environment);
  mkdirSync(settings.dataFolder, { recursive: true, mode: 0o700 });
  const onTerminal = process.stdout.isTTY === true;
  const logFile = join(settings.dataFolder, 'server.log');
  const destination = pino.destination({ dest: onTerminal ? logFile : 2, sync: false, mkdir: true });
  const progress = showProgress();
  let demo: DemoFile | null = null;
  const server = await openServer({
    ...settings,
    onProgress: progress.onProgress,
    webFolder: await buildWeb(cacheFolder()),
    log: { level, destination },
    prepare: async ({ lab, url }) => {
      demo = await seedDemo({
        lab,
        dataFolder: settings.dataFolder,
        url,
        empty: environment.OOPSBOX_DEMO === '0',
      });
    },
  }).finally(progress.stop);
  process.stdout.write(welcome(server.url, settings, server.ssh?.port ?? null, demo));
  closeWithGrace({ delay: CLOSE_MS, logger: false }, async ({ err, signal }) => {
    if (err) {
      server.app.log.fatal({ err }, 'the server failed');
      process.stderr.write(`oopsbox: ${err.stack ?? err.message}\n`);
    } else server.app.log.info({ signal }, 'the server closes');
    if (onTerminal) process.stdout.write('\n  Putting the VMs to sleep…\n');
    await server.close();
    destination.flushSync();
  });
}
