/**
 * A fingerprint of a VM's whole state, for determinism: two VMs that were given the same inputs hash the same.
 * The walk is canonical: keys of objects are sorted (maps, sets and arrays keep their order, which the kernel sees), and an
 * object met before is written as the number of that meeting, so sharing counts and host memory layout does not.
 */
import { createHash, type Hash } from 'node:crypto';

function walk(value: unknown, hash: Hash, seen: Map<object, number>): void {
  switch (typeof value) {
    case 'number':
      hash.update(`n${Object.is(value, -0) ? '-0' : value};`);
      return;
    case 'string':
      hash.update(`s${value.length}:${value};`);
      return;
    case 'bigint':
      hash.update(`i${value};`);
      return;
    case 'boolean':
      hash.update(value ? 't' : 'f');
      return;
    case 'undefined':
      hash.update('u');
      return;
    case 'object':
      break;
    default:
      throw new TypeError(`a ${typeof value} is not plain data`);
  }
  if (value === null) {
    hash.update('0');
    return;
  }
  const before = seen.get(value);
  if (before !== undefined) {
    hash.update(`@${before};`);
    return;
  }
  seen.set(value, seen.size);
  if (ArrayBuffer.isView(value)) {
    hash.update(`b${value.byteLength}:`);
    hash.update(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  } else if (Array.isArray(value)) {
    hash.update(`[${value.length}`);
    for (const element of value) walk(element, hash, seen);
  } else if (value instanceof Map) {
    hash.update(`m${value.size}`);
    for (const [key, element] of value) {
      walk(key, hash, seen);
      walk(element, hash, seen);
    }
  } else if (value instanceof Set) {
    hash.update(`e${value.size}`);
    for (const element of value) walk(element, hash, seen);
  } else {
    const prototype = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null)
      throw new TypeError(`a ${prototype.constructor?.name} is not plain data`);
    const record = value as Record<string, unknown>;
    const keys = Object.keys(record)
      .filter((key) => record[key] !== undefined)
      .sort();
    hash.update(`{${keys.length}`);
    for (const key of keys) {
      hash.update(`${key}=`);
      walk(record[key], hash, seen);
    }
  }
}

/** SHA-256 (hex) of a graph of plain data. Throws a TypeError that names what is not plain data. */
export function hashPlain(value: unknown): string {
  const hash = createHash('sha256');
  walk(value, hash, new Map());
  return hash.digest('hex');
}
