/**
 * Netlink messages as bytes (man 7 netlink, 3 netlink, 7 rtnetlink). Always true: headers and attributes are padded to four bytes, and
 * a reader never looks beyond the message's end.
 */

export const Nlm = {
  REQUEST: 1,
  MULTI: 2,
  ACK: 4,
  EXCL: 0x200,
  REPLACE: 0x100,
  CREATE: 0x400,
  DUMP: 0x300,
  CAPPED: 0x100,
} as const;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
export const NLMSG_HEADER = 16;

const align = (n: number): number => (n + 3) & ~3;

/** A request: header fields, fixed part and attributes. */
export interface Request {
  type: number;
  flags: number;
  seq: number;
  portId: number;
  /** Everything after the header. */
  body: Uint8Array;
  /** The whole message. */
  raw: Uint8Array;
}

/** The messages in what was sent. */
export function splitMessages(bytes: Uint8Array): Request[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const out: Request[] = [];
  for (let at = 0; at + NLMSG_HEADER <= bytes.length; ) {
    const length = view.getUint32(at, true);
    if (length < NLMSG_HEADER || length > bytes.length - at) break;
    out.push({
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      seq: view.getUint32(at + 8, true),
      portId: view.getUint32(at + 12, true),
      body: bytes.subarray(at + NLMSG_HEADER, at + length),
      raw: bytes.subarray(at, at + length),
    });
    at += align(length);
  }
  return out;
}

/** The attributes after a fixed part of `skip` bytes, by type; of several with one type the last counts. */
export function attributes(body: Uint8Array, skip: number): Map<number, Uint8Array> {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const out = new Map<number, Uint8Array>();
  for (let at = align(skip); at + 4 <= body.length; ) {
    const length = view.getUint16(at, true);
    if (length < 4 || length > body.length - at) break;
    out.set(view.getUint16(at + 2, true) & 0x3fff, body.subarray(at + 4, at + length));
    at += align(length);
  }
  return out;
}

/** A number in an attribute or fixed part, little endian. */
export function u32(bytes: Uint8Array | undefined, at = 0): number {
  if (!bytes || bytes.length < at + 4) return 0;
  return new DataView(bytes.buffer, bytes.byteOffset + at, 4).getUint32(0, true);
}

export const le32 = (value: number): Uint8Array =>
  Uint8Array.of(value, value >> 8, value >> 16, value >>> 24);
export const le16 = (value: number): Uint8Array => Uint8Array.of(value, value >> 8);
export const u8 = (value: number): Uint8Array => Uint8Array.of(value);
/** A string with its NUL. */
export const cstring = (value: string): Uint8Array => Uint8Array.from(`${value}\0`, (c) => c.charCodeAt(0));
/** The string in an attribute. */
export const stringIn = (bytes: Uint8Array): string => String.fromCharCode(...bytes).split('\0')[0];

/** An attribute; null is left out. */
export type Attribute = [type: number, value: Uint8Array] | null;

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** One message: header, fixed part, attributes. */
export function message(
  type: number,
  flags: number,
  seq: number,
  portId: number,
  fixed: Uint8Array,
  list: readonly Attribute[] = [],
): Uint8Array {
  let length = NLMSG_HEADER + align(fixed.length);
  for (const entry of list) if (entry) length = align(length) + 4 + entry[1].length;
  const bytes = new Uint8Array(align(length));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, list.length > 0 ? bytes.length : NLMSG_HEADER + fixed.length, true);
  view.setUint16(4, type, true);
  view.setUint16(6, flags, true);
  view.setUint32(8, seq, true);
  view.setUint32(12, portId, true);
  bytes.set(fixed, NLMSG_HEADER);
  let at = NLMSG_HEADER + align(fixed.length);
  for (const entry of list) {
    if (!entry) continue;
    view.setUint16(at, 4 + entry[1].length, true);
    view.setUint16(at + 2, entry[0], true);
    bytes.set(entry[1], at + 4);
    at += align(4 + entry[1].length);
  }
  return bytes;
}
