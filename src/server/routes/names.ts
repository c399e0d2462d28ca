/** A machine's own name and its /etc/hosts, changed as an administrator would: in the files, and in the running kernel. */
import { Type } from 'typebox';
import type { Host } from '../../host/types.ts';
import { HostError } from '../../host/types.ts';
import type { App } from '../context.ts';
import { entryFaults, hostnameFault, hostsEntries, withEntries, withHostname } from '../hosts-file.ts';
import { Problem } from '../problem.ts';
import { answers, Body, IdParams } from '../schema.ts';

const tags = ['names'];
const HOSTS = '/etc/hosts';
const HOSTNAME = '/etc/hostname';
const MAX_ENTRIES = 1000;
const BUDGET = { instructions: 2e9, virtualSeconds: 30, outputBytes: 4096 };

const HostnameBody = Body({ hostname: Type.String({ maxLength: 1024 }) });
const Entry = Body({
  address: Type.String({ maxLength: 64, description: 'IPv4 or IPv6' }),
  names: Type.Array(Type.String({ maxLength: 1024 }), { minItems: 1, maxItems: 64 }),
  comment: Type.Optional(
    Type.String({
      maxLength: 512,
      pattern: '^[^\\x00-\\x1f\\x7f]*$',
      description: 'left out: the comment that the entry has stays; empty: it goes',
    }),
  ),
});
const Hosts = Body({ entries: Type.Array(Entry, { maxItems: MAX_ENTRIES }) });

/** A text file of the machine; empty when there is none. */
async function readText(host: Host, id: string, path: string): Promise<string> {
  try {
    return Buffer.from(await host.readFile(id, path)).toString('utf8');
  } catch (error) {
    if (error instanceof HostError && error.errno === 'ENOENT') return '';
    throw error;
  }
}

/** The name that the file gives: the first line that is no comment (man hostname(5)). */
const nameInFile = (text: string): string =>
  text
    .split('\n')
    .map((line) => line.trim())
    .find((line) => line !== '' && !line.startsWith('#')) ?? '';

/** Writes a configuration file, owner and mode as they are. */
async function writeText(host: Host, id: string, path: string, text: string): Promise<void> {
  let kept: { mode: number; uid: number; gid: number } = { mode: 0o644, uid: 0, gid: 0 };
  try {
    const { mode, uid, gid, kind } = await host.stat(id, path);
    if (kind === 'file') kept = { mode, uid, gid };
  } catch (error) {
    if (!(error instanceof HostError && error.errno === 'ENOENT')) throw error;
  }
  await host.writeFile(id, path, Buffer.from(text), kept);
}

/** Sets the name in the running kernel, with the machine's own program. */
async function setRunningName(host: Host, id: string, hostname: string): Promise<void> {
  const { state } = await host.status(id);
  if (state !== 'ACTIVE' && state !== 'SUSPENDED') return;
  const { exitCode, stderr } = await host.exec(id, {
    argv: ['/usr/bin/hostname', hostname],
    user: 'root',
    budget: BUDGET,
  });
  if (exitCode !== 0)
    throw new Problem('guest-error', Buffer.from(stderr).toString('utf8').trim() || 'hostname failed');
}

export async function nameRoutes(app: App): Promise<void> {
  const { host } = app;

  app.get(
    '/vms/:id/hostname',
    {
      config: { access: 'vm.read' },
      schema: { tags, summary: 'Its host name', params: IdParams, response: answers(200, HostnameBody) },
    },
    async ({ vm }) => ({ hostname: nameInFile(await readText(host, vm!.id, HOSTNAME)) }),
  );

  app.put(
    '/vms/:id/hostname',
    {
      config: { access: 'vm.use' },
      schema: {
        tags,
        summary: 'Change its host name: /etc/hostname, its line in /etc/hosts, and the running kernel',
        params: IdParams,
        body: HostnameBody,
        response: answers(200, HostnameBody),
      },
    },
    async ({ vm, body: { hostname } }) => {
      const message = hostnameFault(hostname);
      if (message !== null)
        throw new Problem('invalid-request', undefined, {
          errors: [{ in: 'body', field: 'hostname', message }],
        });
      const id = vm!.id;
      const before = nameInFile(await readText(host, id, HOSTNAME));
      await writeText(host, id, HOSTNAME, `${hostname}\n`);
      const hosts = await readText(host, id, HOSTS);
      const after = withHostname(hosts, before, hostname);
      if (after !== hosts) await writeText(host, id, HOSTS, after);
      await setRunningName(host, id, hostname);
      return { hostname };
    },
  );

  app.get(
    '/vms/:id/hosts',
    {
      config: { access: 'vm.read' },
      schema: { tags, summary: 'Its /etc/hosts', params: IdParams, response: answers(200, Hosts) },
    },
    async ({ vm }) => ({ entries: hostsEntries(await readText(host, vm!.id, HOSTS)) }),
  );

  app.put(
    '/vms/:id/hosts',
    {
      config: { access: 'vm.use' },
      schema: {
        tags,
        summary: 'Change the entries of its /etc/hosts; its comment lines stay',
        params: IdParams,
        body: Hosts,
        response: answers(200, Hosts),
      },
    },
    async ({ vm, body: { entries } }) => {
      const before = await readText(host, vm!.id, HOSTS);
      const known = new Set(hostsEntries(before).flatMap((entry) => entry.names));
      const errors = entries.flatMap((entry, index) =>
        entryFaults(entry, known).map(({ field, message }) => ({
          in: 'body',
          field: `entries/${index}/${field}`,
          message,
        })),
      );
      if (errors.length > 0) throw new Problem('invalid-request', undefined, { errors: errors.slice(0, 20) });
      const after = withEntries(before, entries);
      if (after !== before) await writeText(host, vm!.id, HOSTS, after);
      return { entries: hostsEntries(after) };
    },
  );
}
