/**
 * The memory of a machine in the store: what it needs to go on, as sealed rows under one number. Always true: rows are written
 * before the fact that names their number, so a number that a fact names is whole.
 *
 * Keys are bytes: memory (u48), chunk (u32). Chunk 0 is the kernel's state, the table of guest pages and how many chunks there
 * are; the others hold the content of guest pages, {@link CHUNK_PAGES} each.
 */
import { deserialize } from 'node:v8';
import type { GuestMemory, SavedGuestMemory } from '../cpu/machine.ts';
import type { KernelState } from '../kernel/kernel.ts';
import { saveLoaded } from '../kernel/task/regs.ts';
import { type Checkpoint, serialize, stateOf } from '../vm/checkpoint.ts';
import type { Vm } from '../vm/index.ts';
import { seal, unseal } from './store-rows.ts';
import { StoreError } from './store-types.ts';

const PAGE = 4096;
/** Content of guest pages goes in rows of a megabyte. */
const CHUNK_PAGES = 256;

interface Head {
  imageId: string;
  state: KernelState;
  table: Omit<SavedGuestMemory, 'privateBytes'>;
}

export function memoryKey(memory: number, chunk: number): Buffer {
  const bytes = Buffer.allocUnsafe(10);
  bytes.writeUIntBE(memory, 0, 6);
  bytes.writeUInt32BE(chunk, 6);
  return bytes;
}

export const memoryOf = (key: Buffer): number => key.readUIntBE(0, 6);

/** A machine's memory on its way to the store: what the kernel is, and pages shared with it until it writes them. */
export interface TakenMemory {
  head: Buffer;
  guest: GuestMemory;
  pfns: readonly number[];
  bytes: number;
}

/** Takes a machine's memory as it is now, at little cost: its content is read later, in steps, by {@link memoryRows}. */
export function takeMemory(vm: Vm): TakenMemory {
  const k = vm.kernel;
  saveLoaded(k);
  const guest = k.guest.fork();
  const { privateBytes: _none, ...table } = guest.save(false);
  const saved: Head = { imageId: k.image.id, state: stateOf(k), table };
  const head = seal(serialize(saved));
  return { head, guest, pfns: table.privatePfns, bytes: head.length + table.privatePfns.length * PAGE };
}

/** The values of the rows, in the order of their chunks. Whoever is through with them destroys the guest. */
export function* memoryRows({ head, guest, pfns }: TakenMemory): Generator<Buffer> {
  yield head;
  for (let at = 0; at < pfns.length; at += CHUNK_PAGES) {
    const part = pfns.slice(at, at + CHUNK_PAGES);
    const bytes = new Uint8Array(part.length * PAGE);
    part.forEach((pfn, i) => {
      bytes.set(guest.page(pfn, false), i * PAGE);
    });
    yield seal(bytes);
  }
}

/** The checkpoint that rows make. `read` answers a chunk's value. Throws a {@link StoreError} where one is missing or damaged. */
export function loadMemory(read: (chunk: number) => Buffer | undefined, what: string): Checkpoint {
  const chunk = (n: number): Buffer => {
    const value = read(n);
    if (!value) throw new StoreError('corrupt', `${what} is not whole in the store; boot it from its disk`);
    return unseal(value, what);
  };
  const { imageId, state, table } = deserialize(chunk(0)) as Head;
  const privateBytes = new Uint8Array(table.privatePfns.length * PAGE);
  for (let at = 0, n = 1; at < privateBytes.length; n++) {
    const part = chunk(n);
    privateBytes.set(part, at);
    at += part.length;
  }
  return { imageId, state, memory: { ...table, privateBytes } };
}
