/**
 * Checkpoints: a VM as bytes. Always true: a checkpoint holds the kernel's state (a structured clone) and the guest's private
 * pages; pages of the image are named by their key only, so a checkpoint is small and needs its image to be restored.
 *
 * File layout: `OOPSCKPT`, format version (u32), payload length (u32), SHA-256 of the payload, payload (gzip, fastest level).
 */
import { createHash } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { Deserializer, Serializer } from 'node:v8';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Machine, SavedGuestMemory } from '../cpu/machine.ts';
import type { ImageFs } from '../kernel/fs/image.ts';
import type { Kernel, KernelHost, KernelState } from '../kernel/kernel.ts';
import { hashPlain } from './hash.ts';

const MAGIC = Buffer.from('OOPSCKPT');
const FORMAT = 1;
const HEADER_BYTES = 8 + 4 + 4 + 32;

/** A VM outside any machine. Plain data, owned by whoever holds it. */
export interface Checkpoint {
  imageId: string;
  state: KernelState;
  memory: SavedGuestMemory;
}

/** The kernel's state without the handles it runs with. */
export function stateOf(k: Kernel): KernelState {
  const { machine, guest, hart, image, host, changes, ...state } = k;
  return state;
}

/** Takes a checkpoint; the VM goes on as if nothing had happened. The loaded registers must be saved (see vm.ts). */
export function takeCheckpoint(k: Kernel): Checkpoint {
  return { imageId: k.image.id, state: structuredClone(stateOf(k)), memory: k.guest.save() };
}

/** Why a checkpoint was refused; the message names the file (when there is one) and says what to do. */
export class CheckpointError extends Error {
  override name = 'CheckpointError';
}

function sharedPage(machine: Machine, image: ImageFs, key: string): number {
  return machine.sharedFrame(key, (page) => image.readPageByKey(key, page));
}

/** A kernel that goes on where the checkpoint was taken. The checkpoint itself stays untouched when `keep` is set. */
export function restoreKernel(
  checkpoint: Checkpoint,
  machine: Machine,
  image: ImageFs,
  host: KernelHost,
  keep = true,
): Kernel {
  if (checkpoint.imageId !== image.id)
    throw new CheckpointError(
      `this checkpoint belongs to image ${checkpoint.imageId}, not to ${image.id}; open that image, or boot a new VM`,
    );
  const guest = machine.restoreGuest(checkpoint.memory, (key) => sharedPage(machine, image, key));
  const state = keep ? structuredClone(checkpoint.state) : checkpoint.state;
  return { ...state, machine, guest, hart: machine.hart, image, host, changes: null };
}

/** Any plain data as bytes, uncompressed: how much a VM's kernel objects weigh. */
export function serialize(value: unknown): Buffer {
  const serializer = new Serializer();
  serializer.writeHeader();
  serializer.writeValue(value);
  return serializer.releaseBuffer();
}

/** The checkpoint as the bytes of a file. */
export function encodeCheckpoint(checkpoint: Checkpoint): Buffer {
  const payload = gzipSync(serialize(checkpoint), { level: 1 });
  const header = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(header);
  header.writeUInt32LE(FORMAT, 8);
  header.writeUInt32LE(payload.length, 12);
  createHash('sha256').update(payload).digest().copy(header, 16);
  return Buffer.concat([header, payload]);
}

/** Reads what {@link encodeCheckpoint} wrote. `name` is what errors call it. Throws a {@link CheckpointError}. */
export function decodeCheckpoint(bytes: Buffer, name: string): Checkpoint {
  const refuse = (why: string): never => {
    throw new CheckpointError(
      `${name} cannot be restored: ${why}; delete it, or take a new checkpoint with \`oopsbox run --checkpoint\``,
    );
  };
  if (bytes.length < HEADER_BYTES || !bytes.subarray(0, 8).equals(MAGIC)) refuse('it is not a checkpoint');
  if (bytes.readUInt32LE(8) !== FORMAT)
    refuse(`it has format ${bytes.readUInt32LE(8)}, this version reads ${FORMAT}`);
  const payload = bytes.subarray(HEADER_BYTES);
  if (payload.length !== bytes.readUInt32LE(12)) refuse('it is cut short');
  if (!createHash('sha256').update(payload).digest().equals(bytes.subarray(16, 48)))
    refuse('its bytes are damaged');
  const deserializer = new Deserializer(gunzipSync(payload));
  deserializer.readHeader();
  return deserializer.readValue() as Checkpoint;
}

/** Writes a checkpoint file whole or not at all. */
export function saveCheckpoint(path: string, checkpoint: Checkpoint): void {
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, encodeCheckpoint(checkpoint));
  renameSync(temporary, path);
}

export function loadCheckpoint(path: string): Checkpoint {
  return decodeCheckpoint(readFileSync(path), path);
}

/** Hash of everything a VM is: kernel state and the content of every guest page. */
export function stateHash(k: Kernel): string {
  const { memory, state } = takeCheckpoint(k);
  return hashPlain({ state, memory });
}
