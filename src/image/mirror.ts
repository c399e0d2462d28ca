/**
 * Where packages come from: the Debian archive that the host's own apt is configured for, and the keys it trusts.
 *
 * Always true: nothing here is guessed. A host without a Debian source (Ubuntu, say) is told to name a mirror in
 * `OOPSBOX_DEBIAN_MIRROR`; signatures are always checked against a keyring that lies on the host.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ImageError } from './cache.ts';

/** An archive and how its signatures are checked. */
export interface Mirror {
  readonly uri: string;
  /** Value of a deb822 `Signed-By` field: a keyring's path or an inline key; '' for apt's default keyrings. */
  readonly signedBy: string;
}

interface Source {
  readonly uris: readonly string[];
  readonly suites: readonly string[];
  readonly signedBy: string;
}

/** Suites by which a source is known to be the main Debian archive (debian.org, "Releases"). */
const DEBIAN_SUITE =
  /^(bullseye|bookworm|trixie|forky|duke|sid|unstable|testing|stable|oldstable)(-updates|-backports)?$/;
const KEYRINGS = [
  '/usr/share/keyrings/debian-archive-keyring.gpg',
  '/usr/share/keyrings/debian-archive-keyring.pgp',
  '/usr/share/keyrings/debian-archive-trixie-stable.gpg',
];

/** Sources of a deb822 `.sources` file (sources.list(5)). */
export function parseDeb822(text: string): Source[] {
  const sources: Source[] = [];
  for (const stanza of text.replaceAll(/^#.*\n?/gm, '').split(/\n\s*\n/)) {
    const fields = new Map<string, string>();
    let last = '';
    for (const line of stanza.split('\n')) {
      const field = /^([A-Za-z-]+):\s*(.*)$/.exec(line);
      if (field) {
        last = field[1].toLowerCase();
        fields.set(last, field[2]);
      } else if (/^\s/.test(line) && last) {
        fields.set(last, `${fields.get(last)}\n${line}`);
      }
    }
    const words = (name: string) => (fields.get(name) ?? '').split(/\s+/).filter(Boolean);
    if (!words('types').includes('deb') || /^(no|false|0)$/i.test(fields.get('enabled') ?? '')) continue;
    sources.push({ uris: words('uris'), suites: words('suites'), signedBy: fields.get('signed-by') ?? '' });
  }
  return sources;
}

/** Sources of a one-line-style `.list` file (sources.list(5)). */
export function parseOneLine(text: string): Source[] {
  const sources: Source[] = [];
  for (const line of text.split('\n')) {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)/.exec(line);
    if (!match) continue;
    const signed = /(?:^|\s)signed-by=(\S+)/.exec(match[1] ?? '');
    sources.push({ uris: [match[2]], suites: [match[3]], signedBy: signed?.[1] ?? '' });
  }
  return sources;
}

/** The first source that is the main Debian archive. */
export function pickDebian(sources: readonly Source[]): Mirror | undefined {
  for (const source of sources) {
    const uri = source.uris.find((one) => /^(https?|ftp|file|copy|mirror(\+\w+)?|tor\+https?):/.test(one));
    if (uri && source.suites.some((suite) => DEBIAN_SUITE.test(suite))) {
      return { uri, signedBy: source.signedBy };
    }
  }
  return undefined;
}

/** Reads the host's apt sources below `etc` and answers its Debian archive and the keyring for it. */
export function hostMirror(etc = '/etc/apt', env: NodeJS.ProcessEnv = process.env): Mirror {
  const sources: Source[] = [];
  const list = join(etc, 'sources.list');
  if (existsSync(list)) sources.push(...parseOneLine(readFileSync(list, 'utf8')));
  const parts = join(etc, 'sources.list.d');
  for (const name of existsSync(parts) ? readdirSync(parts).sort() : []) {
    const text = () => readFileSync(join(parts, name), 'utf8');
    if (name.endsWith('.sources')) sources.push(...parseDeb822(text()));
    if (name.endsWith('.list')) sources.push(...parseOneLine(text()));
  }
  const own = env.OOPSBOX_DEBIAN_MIRROR;
  const mirror = own ? { uri: own, signedBy: '' } : pickDebian(sources);
  if (!mirror) {
    throw new ImageError(
      "This machine's apt has no Debian archive among its sources. Set OOPSBOX_DEBIAN_MIRROR to the address of a Debian mirror, install the package debian-archive-keyring, and run npm run image again.",
    );
  }
  // A keyring of all Debian releases is better than the configured one, which may know the host's release only.
  return { uri: mirror.uri, signedBy: KEYRINGS.find((path) => existsSync(path)) ?? mirror.signedBy };
}
