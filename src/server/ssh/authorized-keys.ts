/**
 * The AUTHORIZED_KEYS FILE FORMAT of man 8 sshd. Always true: a line whose options are not understood gives nobody entry; options
 * only ever take away, and `restrict` takes everything that a later option does not give back.
 */
import { matches } from './sshd-config.ts';

/** What a key may do once it is in. */
export interface KeyOptions {
  /** Run in place of what the client asks for. */
  command: string | null;
  pty: boolean;
  portForwarding: boolean;
  /** `host:port` pairs that -L may reach; null: no limit. */
  permitOpen: string[] | null;
  /** Patterns of addresses; null: from everywhere. */
  from: string | null;
  /** Milliseconds since the epoch; null: never. */
  expiresMs: number | null;
  environment: Record<string, string>;
}

export interface AuthorizedKey {
  /** Line of the file, from 1. */
  line: number;
  type: string;
  blob: Buffer;
  comment: string;
  options: KeyOptions;
}

/** What an unrestricted key may do. */
export const freeKey = (): KeyOptions => ({
  command: null,
  pty: true,
  portForwarding: true,
  permitOpen: null,
  from: null,
  expiresMs: null,
  environment: {},
});

const KEY_TYPE =
  /^(ssh-(rsa|ed25519|dss)|ecdsa-sha2-nistp(256|384|521)|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com)$/;

/** Where the options end: the first blank outside quotes. */
function optionsEnd(line: string): number {
  let quoted = false;
  for (let at = 0; at < line.length; at++) {
    if (line[at] === '\\' && line[at + 1] === '"') at++;
    else if (line[at] === '"') quoted = !quoted;
    else if (!quoted && (line[at] === ' ' || line[at] === '\t')) return at;
  }
  return line.length;
}

/** `name` and `name="value"` separated by commas; null where it is no such list. */
function splitOptions(text: string): [name: string, value: string | null][] | null {
  const out: [string, string | null][] = [];
  const pattern = /([a-zA-Z0-9-]+)(?:="((?:\\"|[^"])*)")?(,|$)/y;
  while (pattern.lastIndex < text.length) {
    const found = pattern.exec(text);
    if (!found) return null;
    out.push([found[1].toLowerCase(), found[2] === undefined ? null : found[2].replaceAll('\\"', '"')]);
  }
  return text.endsWith(',') ? null : out;
}

/** `YYYYMMDD[HHMM[SS]][Z]` in the machine's time, which is UTC. */
function parseExpiry(text: string): number | null {
  const parts = /^(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?Z?$/.exec(text);
  if (!parts) return null;
  const [year, month, day, hour, minute, second] = parts.slice(1).map((part) => Number(part ?? 0));
  const time = Date.UTC(year, month - 1, day, hour, minute, second);
  return month >= 1 && month <= 12 && day >= 1 && day <= 31 && hour < 24 ? time : null;
}

/** Options without a value, and what each does. */
const FLAGS: Readonly<Record<string, (options: KeyOptions) => void>> = {
  restrict: (options) => {
    options.pty = false;
    options.portForwarding = false;
  },
  pty: (options) => {
    options.pty = true;
  },
  'no-pty': (options) => {
    options.pty = false;
  },
  'port-forwarding': (options) => {
    options.portForwarding = true;
  },
  'no-port-forwarding': (options) => {
    options.portForwarding = false;
  },
};
/** Options about what the front door never does: known, and without effect. */
const INDIFFERENT = new Set([
  ...[
    'agent-forwarding',
    'no-agent-forwarding',
    'x11-forwarding',
    'no-x11-forwarding',
    'user-rc',
    'no-user-rc',
  ],
  ...['no-touch-required', 'verify-required', 'tunnel', 'permitlisten'],
]);

/** Options with a value; false where the value is wrong. */
const VALUES: Readonly<Record<string, (options: KeyOptions, value: string) => boolean>> = {
  command: (options, value) => {
    options.command = value;
    return true;
  },
  from: (options, value) => {
    options.from = value;
    return true;
  },
  'expiry-time': (options, value) => {
    const time = parseExpiry(value);
    options.expiresMs = time === null ? null : Math.min(time, options.expiresMs ?? time);
    return time !== null;
  },
  environment: (options, value) => {
    const equals = value.indexOf('=');
    if (equals <= 0) return false;
    options.environment[value.slice(0, equals)] ??= value.slice(equals + 1);
    return true;
  },
  permitopen: (options, value) => {
    options.permitOpen ??= [];
    options.permitOpen.push(value);
    return /:(\d+|\*)$/.test(value);
  },
};

/** Options of a line; null where sshd says "bad key options". `cert-authority` makes a line that no plain key matches. */
export function parseKeyOptions(text: string): KeyOptions | null {
  const list = splitOptions(text);
  if (!list) return null;
  const options = freeKey();
  for (const [name, value] of list) {
    if (INDIFFERENT.has(name)) continue;
    if (value === null && FLAGS[name]) FLAGS[name](options);
    else if (value === null || !VALUES[name]?.(options, value)) return null;
  }
  return options;
}

/** The keys of a file; comments, blank lines and lines that sshd would skip are left out. */
export function parseAuthorizedKeys(text: string): AuthorizedKey[] {
  const keys: AuthorizedKey[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    let options: KeyOptions | null = freeKey();
    let rest = line;
    if (!KEY_TYPE.test(line.split(/\s/, 1)[0])) {
      const end = optionsEnd(line);
      options = parseKeyOptions(line.slice(0, end));
      rest = line.slice(end).trim();
    }
    const [type, base64 = '', ...comment] = rest.split(/\s+/);
    if (!options || !KEY_TYPE.test(type)) continue;
    const blob = Buffer.from(base64, 'base64');
    if (typeInside(blob) === type)
      keys.push({ line: index + 1, type, blob, comment: comment.join(' '), options });
  }
  return keys;
}

/** The type that a key's wire form begins with. */
function typeInside(blob: Buffer): string {
  if (blob.length < 4) return '';
  return blob.subarray(4, 4 + blob.readUInt32BE(0)).toString('latin1');
}

/** An IPv4 or IPv6 address as a number and its bits; null when it is none. */
function addressBits(address: string): { bits: bigint; width: number } | null {
  const v4 = /^(?:::ffff:)?(\d+)\.(\d+)\.(\d+)\.(\d+)$/i.exec(address);
  if (v4) {
    const parts = v4.slice(1).map(Number);
    if (parts.some((part) => part > 255)) return null;
    return { bits: parts.reduce((sum, part) => (sum << 8n) | BigInt(part), 0n), width: 32 };
  }
  if (!/^[0-9a-f:]+$/i.test(address) || !address.includes(':')) return null;
  const [head, tail, more] = address.split('::');
  if (more !== undefined) return null;
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const missing = 8 - left.length - right.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return null;
  const groups = [...left, ...Array.from({ length: missing }, () => '0'), ...right];
  if (groups.some((group) => !/^[0-9a-f]{1,4}$/i.test(group))) return null;
  return { bits: groups.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n), width: 128 };
}

/** Whether an address is of a pattern list: wildcards, `address/prefix`, and `!` that refuses (man 5 ssh_config, PATTERNS). */
export function matchAddress(address: string, list: string): boolean {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
  let allowed = false;
  for (const item of list.split(',')) {
    const negated = item.startsWith('!');
    const pattern = negated ? item.slice(1) : item;
    if (!matchOne(plain, pattern)) continue;
    if (negated) return false;
    allowed = true;
  }
  return allowed;
}

function matchOne(address: string, pattern: string): boolean {
  const slash = pattern.indexOf('/');
  if (slash < 0) return matches(pattern.toLowerCase(), address.toLowerCase());
  const net = addressBits(pattern.slice(0, slash));
  const mine = addressBits(address);
  const prefix = Number(pattern.slice(slash + 1));
  if (!net || !mine || net.width !== mine.width || !(prefix >= 0 && prefix <= net.width)) return false;
  const shift = BigInt(net.width - prefix);
  return net.bits >> shift === mine.bits >> shift;
}

/** Whether `host:port` is among what `permitopen` lists. */
export const mayOpen = (list: readonly string[] | null, host: string, port: number): boolean =>
  list === null ||
  list.some((item) => {
    const [, name, wanted] = /^\[?(.*?)\]?:(\d+|\*)$/.exec(item) ?? [];
    return (
      (name === '*' || name?.toLowerCase() === host.toLowerCase()) &&
      (wanted === '*' || Number(wanted) === port)
    );
  });
