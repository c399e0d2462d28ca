/** Ids and pages. Always true: ids are UUIDs of version 7 that grow with time inside this process, so lists page by id alone. */
import { randomBytes } from 'node:crypto';
import { LabError, type Page, type PageRequest } from './types.ts';

let lastMs = 0;
let sequence = 0;

/** A time-ordered UUID (RFC 9562, version 7): milliseconds, then a counter within them, then chance. */
export function newId(nowMs = Date.now()): string {
  if (nowMs > lastMs) {
    lastMs = nowMs;
    sequence = randomBytes(2).readUInt16BE() & 0x7ff;
  } else if (++sequence > 0xfff) {
    lastMs++;
    sequence = 0;
  }
  const bytes = randomBytes(16);
  bytes.writeUIntBE(lastMs, 0, 6);
  bytes.writeUInt16BE(0x7000 | sequence, 6);
  bytes[8] = 0x80 | (bytes[8] & 0x3f);
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Whether a reference is an id; anything else must never reach a UUID column. */
export const isId = (ref: string): boolean => UUID.test(ref);

interface Query {
  take: number;
  where: { id?: { gt: string } | { lt: string } };
  orderBy: { id: 'asc' | 'desc' };
}

/** The query of a page, by id; `newest` turns the list round. One row more than asked tells whether there is a next page. */
export function pageQuery(page: PageRequest, order: 'oldest' | 'newest' = 'oldest'): Query {
  const limit = Math.min(Math.max(Math.trunc(page.limit ?? 50) || 50, 1), 200);
  const orderBy = { id: order === 'oldest' ? ('asc' as const) : ('desc' as const) };
  if (page.cursor === undefined) return { take: limit + 1, where: {}, orderBy };
  const after = Buffer.from(page.cursor, 'base64url').toString('latin1');
  if (!isId(after))
    throw new LabError('invalid', 'This is not a cursor that the list gave.', [], 'bad-cursor');
  return { take: limit + 1, where: { id: order === 'oldest' ? { gt: after } : { lt: after } }, orderBy };
}

/** The page of what {@link pageQuery} found. */
export function pageOf<Row extends { id: string }, T>(
  query: Query,
  rows: Row[],
  record: (row: Row) => T,
): Page<T> {
  const items = rows.slice(0, query.take - 1);
  const last = items.at(-1);
  return {
    items: items.map(record),
    next: rows.length === query.take && last ? Buffer.from(last.id, 'latin1').toString('base64url') : null,
  };
}
