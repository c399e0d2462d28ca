/**
 * What a machine's own /etc/ssh/sshd_config says, as far as the front door follows it (man sshd_config). Always true: as in sshd the
 * first value of a keyword counts, `Include` is read where it stands, and `Match` blocks end the part that is read.
 */
import type { Host } from '../../host/types.ts';
import { fileText } from './guest-files.ts';

export interface SshdConfig {
  /** `LogLevel VERBOSE` or more: every failed attempt is told. */
  verbose: boolean;
  strictModes: boolean;
  pubkeyAuthentication: boolean;
  passwordAuthentication: boolean;
  permitRootLogin: 'yes' | 'prohibit-password' | 'forced-commands-only' | 'no';
  permitEmptyPasswords: boolean;
  maxAuthTries: number;
  maxSessions: number;
  loginGraceSec: number;
  authorizedKeysFiles: string[];
  /** Patterns of names; null: no such line. */
  allowUsers: string[] | null;
  denyUsers: string[];
  acceptEnv: string[];
  /** `local` is what the front door can do; `remote` alone is nothing. */
  allowTcpForwarding: boolean;
  permitTty: boolean;
  forceCommand: string | null;
  sftp: string | null;
  hostKeys: string[] | null;
  /** Path of a text shown before authentication. */
  banner: string | null;
}

const MAX_INCLUDES = 32;
const SFTP_SERVER = '/usr/lib/openssh/sftp-server';

/** Words of a line; double quotes keep blanks. */
const words = (text: string): string[] =>
  [...text.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain);

/** Keyword (lower case) to the arguments of its first line; lines that add up (AcceptEnv, AllowUsers…) are joined. */
type Lines = Map<string, string[]>;
const ADDING = new Set(['acceptenv', 'allowusers', 'denyusers', 'hostkey']);

async function readLines(host: Host, vmId: string, path: string, into: Lines, depth = 0): Promise<boolean> {
  const text = await fileText(host, vmId, path);
  for (const raw of text?.split('\n') ?? []) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const [, keyword, rest] = /^(\S+?)(?:\s*=\s*|\s+|$)(.*)$/.exec(line) ?? [];
    if (!keyword) continue;
    const name = keyword.toLowerCase();
    const args = words(rest);
    if (name === 'match') return false;
    if (name === 'include') {
      for (const pattern of depth < 4 ? args : [])
        for (const file of await included(host, vmId, pattern))
          if (!(await readLines(host, vmId, file, into, depth + 1))) return false;
    } else if (name === 'subsystem') {
      if (!into.has(`subsystem ${args[0]}`)) into.set(`subsystem ${args[0]}`, args.slice(1));
    } else if (ADDING.has(name)) into.set(name, [...(into.get(name) ?? []), ...args]);
    else if (!into.has(name)) into.set(name, name === 'forcecommand' ? [rest] : args);
  }
  return true;
}

/** Files that an `Include` names: a path, or a pattern in its last part. */
async function included(host: Host, vmId: string, pattern: string): Promise<string[]> {
  const path = pattern.startsWith('/') ? pattern : `/etc/ssh/${pattern}`;
  if (!/[*?]/.test(path)) return [path];
  const folder = path.slice(0, path.lastIndexOf('/')) || '/';
  const name = path.slice(path.lastIndexOf('/') + 1);
  const entries = await host.listDirectory(vmId, folder).catch(() => []);
  return entries
    .map((entry) => entry.name)
    .filter((entry) => !entry.startsWith('.') && matches(name, entry))
    .sort()
    .slice(0, MAX_INCLUDES)
    .map((entry) => `${folder}/${entry}`);
}

/** A pattern of ssh_config(5) against a text: `*` and `?`. */
export function matches(pattern: string, text: string): boolean {
  let [at, from, star, resume] = [0, 0, -1, 0];
  while (from < text.length) {
    if (pattern[at] === '*') [star, resume] = [at++, from];
    else if (pattern[at] === '?' || pattern[at] === text[from]) {
      at++;
      from++;
    } else if (star >= 0) {
      at = star + 1;
      from = ++resume;
    } else return false;
  }
  while (pattern[at] === '*') at++;
  return at === pattern.length;
}

/** Seconds of `2m`, `90`, `1h30m` (man sshd_config, TIME FORMATS). */
function seconds(text: string | undefined, otherwise: number): number {
  if (!text || !/^(\d+[smhdw]?)+$/i.test(text)) return otherwise;
  const unit: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86400, w: 604800 };
  let total = 0;
  for (const [, count, letter] of text.matchAll(/(\d+)([smhdw]?)/gi))
    total += Number(count) * unit[letter.toLowerCase() || 's'];
  return total;
}

/** The configuration of a machine as it is on its disk now; what cannot be read has its default. */
export async function readSshdConfig(host: Host, vmId: string): Promise<SshdConfig> {
  const lines: Lines = new Map();
  await readLines(host, vmId, '/etc/ssh/sshd_config', lines);
  const first = (name: string): string | undefined => lines.get(name)?.[0];
  const flag = (name: string, otherwise: boolean): boolean => {
    const value = first(name)?.toLowerCase();
    return value === undefined ? otherwise : value !== 'no';
  };
  const count = (name: string, otherwise: number): number => {
    const value = Number(first(name));
    return Number.isInteger(value) && value > 0 ? value : otherwise;
  };
  const rootLogin = first('permitrootlogin')?.toLowerCase().replace('without-password', 'prohibit-password');
  const files = (lines.get('authorizedkeysfile') ?? []).filter((name) => name !== 'none');
  const banner = first('banner');
  const force = first('forcecommand');
  return {
    verbose: /^(VERBOSE|DEBUG[123]?)$/i.test(first('loglevel') ?? ''),
    strictModes: flag('strictmodes', true),
    pubkeyAuthentication: flag('pubkeyauthentication', true),
    passwordAuthentication: flag('passwordauthentication', true),
    permitRootLogin:
      rootLogin === 'yes' || rootLogin === 'no' || rootLogin === 'forced-commands-only'
        ? rootLogin
        : 'prohibit-password',
    permitEmptyPasswords: flag('permitemptypasswords', false),
    maxAuthTries: count('maxauthtries', 6),
    maxSessions: count('maxsessions', 10),
    loginGraceSec: seconds(first('logingracetime'), 120),
    authorizedKeysFiles: lines.has('authorizedkeysfile')
      ? files
      : ['.ssh/authorized_keys', '.ssh/authorized_keys2'],
    allowUsers: lines.get('allowusers') ?? null,
    denyUsers: lines.get('denyusers') ?? [],
    acceptEnv: lines.get('acceptenv') ?? [],
    allowTcpForwarding: !/^(no|remote)$/i.test(first('allowtcpforwarding') ?? 'yes'),
    permitTty: flag('permittty', true),
    forceCommand: force && force !== 'none' ? force : null,
    sftp: sftpCommand(lines.get('subsystem sftp')),
    hostKeys: lines.get('hostkey') ?? null,
    banner: banner && banner !== 'none' ? banner : null,
  };
}

function sftpCommand(args: string[] | undefined): string | null {
  if (!args || args.length === 0) return null;
  return args[0] === 'internal-sftp' ? [SFTP_SERVER, ...args.slice(1)].join(' ') : args.join(' ');
}
