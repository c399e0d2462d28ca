/**
 * Debian packages through the host's own apt-get, in a private apt root.
 *
 * Always true: needs no root; reads the host's proxy settings and keys and nothing else of its apt state; writes only
 * below the folder it is given; never turns authentication off.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { cacheFolder, ImageError } from './cache.ts';
import { hostMirror, type Mirror } from './mirror.ts';
import { ARCHITECTURE, COMPONENT, SUITE } from './packages.ts';

/** A package as apt resolved it. */
export interface ResolvedPackage {
  readonly name: string;
  readonly version: string;
  /** Name in the archives folder. */
  readonly file: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** The private apt root; see {@link prepareApt}. */
export interface Apt {
  readonly folder: string;
  readonly archives: string;
  readonly mirror: Mirror;
}

/** Lays out the private apt root: folders of apt.conf(5)'s `Dir` scope and an empty dpkg status. */
export function prepareApt(folder: string = cacheFolder('apt'), mirror: Mirror = hostMirror()): Apt {
  const archives = join(folder, 'archives');
  for (const name of ['state/lists/partial', 'archives/partial', 'none/partial', 'etc']) {
    mkdirSync(join(folder, name), { recursive: true });
  }
  writeFileSync(join(folder, 'status'), '');
  writeFileSync(
    join(folder, 'etc', 'debian.sources'),
    [
      'Types: deb',
      `URIs: ${mirror.uri}`,
      `Suites: ${SUITE}`,
      `Components: ${COMPONENT}`,
      `Architectures: ${ARCHITECTURE}`,
      ...(mirror.signedBy ? [`Signed-By: ${mirror.signedBy}`] : []),
      '',
    ].join('\n'),
  );
  writeFileSync(join(folder, 'etc', 'apt.conf'), configuration(folder));
  return { folder, archives, mirror };
}

function configuration(folder: string): string {
  const set: Record<string, string> = {
    'Dir::Etc::SourceList': '/dev/null',
    'Dir::Etc::SourceParts': join(folder, 'etc'),
    'Dir::Etc::Preferences': '/dev/null',
    'Dir::Etc::PreferencesParts': '/dev/null',
    'Dir::State': join(folder, 'state'),
    'Dir::State::Status': join(folder, 'status'),
    'Dir::State::Extended_States': join(folder, 'extended_states'),
    'Dir::Cache': folder,
    'Dir::Cache::Archives': join(folder, 'archives'),
    'APT::Architecture': ARCHITECTURE,
    'APT::Architectures': ARCHITECTURE,
    'APT::Install-Recommends': 'false',
    'APT::Get::List-Cleanup': 'true',
    'APT::Update::Error-Mode': 'any',
    'APT::Sandbox::User': '',
    'APT::Keep-Downloaded-Packages': 'true',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '3',
    'Acquire::ForceHash': 'sha256',
    'Dpkg::Use-Pty': 'false',
    'Debug::NoLocking': 'true',
  };
  // The host's hooks (docker-clean and the like) would delete our archives or run programs of its own.
  const hooks = ['APT::Update::Pre-Invoke', 'APT::Update::Post-Invoke', 'APT::Update::Post-Invoke-Success'];
  hooks.push('DPkg::Pre-Invoke', 'DPkg::Post-Invoke', 'DPkg::Pre-Install-Pkgs', 'APT::Architectures');
  return [
    ...hooks.map((name) => `#clear ${name};`),
    ...Object.entries(set).map(([name, value]) => `${name} ${JSON.stringify(value)};`),
    '',
  ].join('\n');
}

/** Reports how far apt is, 0 to 1. */
export type Progress = (share: number) => void;

/** `apt-get update` in the private root. */
export async function updateLists(apt: Apt, onProgress: Progress = () => {}): Promise<void> {
  await aptGet(apt, ['update'], onProgress);
}

/** Resolves packages by name to everything that has to be unpacked, in apt's order. Needs lists, but no network. */
export async function resolve(apt: Apt, names: readonly string[]): Promise<ResolvedPackage[]> {
  // With an archives folder that is always empty, every package is printed.
  const empty = `Dir::Cache::Archives=${join(apt.folder, 'none')}`;
  const printed = await aptGet(apt, ['-o', empty, 'install', '-y', '--print-uris', ...names]);
  return parseUris(printed);
}

/** Reads apt-get's `--print-uris`: 'URI' FILE SIZE SHA256:HASH on each line that begins with a quote. */
export function parseUris(text: string): ResolvedPackage[] {
  const packages: ResolvedPackage[] = [];
  for (const line of text.split('\n')) {
    const match = /^'[^']*' (([^_ ]+)_([^_ ]+)_[^_ ]+\.deb) (\d+) SHA256:([0-9a-f]{64})/.exec(line);
    if (!match) continue;
    packages.push({
      name: match[2],
      version: decodeURIComponent(match[3]),
      file: match[1],
      sizeBytes: Number(match[4]),
      sha256: match[5],
    });
  }
  return packages;
}

/** Downloads into the archives folder what is not there yet; apt checks sizes and hashes. */
export async function download(apt: Apt, names: readonly string[], onProgress: Progress): Promise<void> {
  await aptGet(apt, ['install', '-y', '--download-only', ...names], onProgress);
}

function aptGet(apt: Apt, args: readonly string[], onProgress?: Progress): Promise<string> {
  const options = ['-c', join(apt.folder, 'etc', 'apt.conf'), '-qq', '-o', 'APT::Status-Fd=3'];
  return new Promise((resolvePromise, reject) => {
    const child = spawn('apt-get', [...options, ...args], {
      env: { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive', APT_CONFIG: '' },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
    let out = '';
    let errors = '';
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
    });
    createInterface({ input: child.stdio[3] as NodeJS.ReadableStream }).on('line', (line) => {
      const status = /^dlstatus:\d+:([\d.]+):/.exec(line);
      if (status) onProgress?.(Number(status[1]) / 100);
    });
    child.on('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'ENOENT'
          ? new ImageError(
              'This machine has no apt-get, which fetches the Debian packages of the image. Use the Docker image (see the README), or build the image on a Debian or Ubuntu machine.',
            )
          : error,
      );
    });
    child.on('close', (code) => {
      if (code === 0) resolvePromise(out);
      else reject(explainApt(errors, apt.mirror, apt.folder));
    });
  });
}

/** One clear sentence for what apt-get wrote to stderr. */
export function explainApt(errors: string, mirror: Mirror, folder: string): ImageError {
  const complaints = errors
    .split('\n')
    .filter((line) => /^[EW]: /.test(line))
    .map((line) => line.slice(3));
  const said = complaints[0] ?? 'no reason given';
  const host = /^\w[\w+]*:\/\/([^/]+)/.exec(mirror.uri)?.[1] ?? mirror.uri;
  if (/No space left|enough free space/i.test(errors)) {
    return new ImageError(
      `The disk is full (apt writes to ${folder}). Make room, or set OOPSBOX_CACHE to a folder on another disk, and run npm run image again.`,
    );
  }
  if (/NO_PUBKEY|not signed|BADSIG|EXPKEYSIG|signature|OpenPGP/i.test(errors)) {
    return new ImageError(
      `The packages of ${host} cannot be verified (apt says: ${complaints.find((line) => /NO_PUBKEY|signature|signed/i.test(line)) ?? said}). Install or update the package debian-archive-keyring and run npm run image again.`,
    );
  }
  if (
    /Failed to fetch|Could not resolve|Could not connect|Unable to connect|timed out|Temporary failure/i.test(
      errors,
    )
  ) {
    return new ImageError(
      `The package mirror ${host} cannot be reached (apt says: ${said}). Check the network or the proxy settings of apt, then run npm run image again; what was downloaded so far is kept.`,
    );
  }
  return new ImageError(`apt-get could not fetch the packages of the image: ${said}`);
}
