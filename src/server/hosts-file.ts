/**
 * /etc/hosts as structured entries (man hosts(5)). Always true: a comment of the file is never lost by a change of its entries: a
 * comment line stays before the entry it stood before, and at the place of that entry when it goes.
 */
import { isIP } from 'node:net';

/** One line of /etc/hosts. */
export interface HostsEntry {
  address: string;
  names: string[];
  comment?: string;
}

/** A line that says something, with the lines (comments, blank, unreadable) that stand before it. */
interface Line {
  before: string[];
  raw: string;
  entry: HostsEntry;
}
interface HostsFile {
  lines: Line[];
  tail: string[];
}

function parse(text: string): HostsFile {
  const lines: Line[] = [];
  let before: string[] = [];
  const rows = text.split('\n');
  if (rows.at(-1) === '') rows.pop();
  for (const raw of rows) {
    const [content, ...rest] = raw.split('#');
    const [address, ...names] = content.trim().split(/\s+/);
    if (names.length === 0 || isIP(address) === 0) {
      before.push(raw);
      continue;
    }
    const comment = rest.join('#').trim();
    lines.push({ before, raw, entry: { address, names, ...(comment === '' ? {} : { comment }) } });
    before = [];
  }
  return { lines, tail: before };
}

/** The entries of a file, in its order. */
export const hostsEntries = (text: string): HostsEntry[] => parse(text).lines.map((line) => line.entry);

const sameNames = (a: HostsEntry, b: HostsEntry): boolean =>
  a.address === b.address && a.names.join(' ') === b.names.join(' ');

/** The file with these entries in this order, and its comments. An entry without a comment keeps the one it had. */
export function withEntries(text: string, entries: readonly HostsEntry[]): string {
  const { lines, tail } = parse(text);
  const unused = new Set(lines);
  const take = (match: (line: Line) => boolean): Line | undefined => {
    for (const line of unused)
      if (match(line)) {
        unused.delete(line);
        return line;
      }
    return undefined;
  };
  const exact = entries.map((entry) => take((line) => sameNames(line.entry, entry)));
  const olds = entries.map(
    (entry, index) => exact[index] ?? take((line) => line.entry.address === entry.address),
  );
  let orphans: string[] = [];
  const comments = new Map<Line, string[]>();
  for (const line of lines) {
    if (unused.has(line)) orphans.push(...line.before);
    else {
      comments.set(line, [...orphans, ...line.before]);
      orphans = [];
    }
  }
  const rows: string[] = [];
  for (const [index, entry] of entries.entries()) {
    const old = olds[index];
    if (old !== undefined) rows.push(...(comments.get(old) ?? []));
    const comment = entry.comment ?? old?.entry.comment;
    if (old !== undefined && sameNames(old.entry, entry) && comment === old.entry.comment) rows.push(old.raw);
    else rows.push(`${entry.address}\t${entry.names.join(' ')}${comment ? `\t# ${comment}` : ''}`);
  }
  rows.push(...orphans, ...tail);
  return rows.length === 0 ? '' : `${rows.join('\n')}\n`;
}

/** The file after the machine's own name changed: as Debian does, it stands behind 127.0.1.1. */
export function withHostname(text: string, before: string, after: string): string {
  const entries = hostsEntries(text);
  const own = entries.find((entry) => entry.address === '127.0.1.1');
  if (own === undefined) {
    const at = entries.findIndex((entry) => entry.address !== '127.0.0.1');
    entries.splice(at < 0 ? entries.length : at, 0, { address: '127.0.1.1', names: [after] });
  } else {
    const names = own.names.map((name) =>
      name === before || name.startsWith(`${before}.`) ? after + name.slice(before.length) : name,
    );
    own.names = names.includes(after) ? names : [after, ...names];
  }
  return withEntries(text, entries);
}

const LABEL = /^[a-z\d]([a-z\d-]{0,61}[a-z\d])?$/i;
/** HOST_NAME_MAX of Linux. */
const HOST_NAME_MAX = 64;

/** What is wrong with a host name (RFC 1123, section 2.1); null: nothing. */
export function nameFault(name: string, most = 253): string | null {
  if (name === '') return 'is empty';
  if (Buffer.byteLength(name) > most) return `is longer than ${most} characters`;
  if (isIP(name) !== 0) return 'is an address';
  for (const label of name.split('.'))
    if (!LABEL.test(label))
      return 'has a part that is not 1 to 63 letters, digits and hyphens, with no hyphen at either end';
  if (/^\d+$/.test(name.slice(name.lastIndexOf('.') + 1)))
    return 'ends in a part of digits only, which would be read as an address';
  return null;
}

/** What is wrong with a machine's own name (man gethostname(2), hostname(7)). */
export const hostnameFault = (name: string): string | null => nameFault(name, HOST_NAME_MAX);

/** What is wrong with an entry; names that the file has already are taken as they are. */
export function entryFaults(
  entry: HostsEntry,
  known: ReadonlySet<string>,
): { field: string; message: string }[] {
  const faults: { field: string; message: string }[] = [];
  if (isIP(entry.address) === 0) faults.push({ field: 'address', message: 'is neither IPv4 nor IPv6' });
  for (const [index, name] of entry.names.entries()) {
    const message = known.has(name) ? null : nameFault(name);
    if (message !== null) faults.push({ field: `names/${index}`, message });
  }
  return faults;
}
