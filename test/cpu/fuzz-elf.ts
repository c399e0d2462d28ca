/**
 * A static RISC-V ELF executable of an image, and running it under Debian's qemu-riscv64 (package qemu-user).
 *
 * Always true: nothing but Node is needed to write the file; the temporary file is removed whatever happens.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Image } from './fuzz-image.ts';

const QEMU = 'qemu-riscv64';
const EHDR = 64;
const PHDR = 56;
const EM_RISCV = 243;
/** EF_RISCV_RVC and the double-float ABI (RISC-V ELF psABI, "File Header"). */
const FLAGS = 0x1 | 0x4;

/** The image as an executable file (System V gABI, ELF-64). */
export function toElf(image: Image): Uint8Array {
  const loads = image.segments;
  let size = EHDR + PHDR * loads.length;
  const offsets = loads.map((segment) => {
    const offset = Math.ceil(size / 4096) * 4096 + (segment.address % 4096);
    size = offset + segment.bytes.length;
    return offset;
  });
  const file = new Uint8Array(size);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 2, true);
  view.setUint16(18, EM_RISCV, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(24, BigInt(image.entry), true);
  view.setBigUint64(32, BigInt(EHDR), true);
  view.setUint32(48, FLAGS, true);
  view.setUint16(52, EHDR, true);
  view.setUint16(54, PHDR, true);
  view.setUint16(56, loads.length, true);
  loads.forEach((segment, index) => {
    const at = EHDR + PHDR * index;
    const wide = [offsets[index], segment.address, segment.address, segment.bytes.length, segment.size, 4096];
    view.setUint32(at, 1, true);
    view.setUint32(at + 4, 4 | (segment.writable ? 2 : 0) | (segment.executable ? 1 : 0), true);
    wide.forEach((value, i) => {
      view.setBigUint64(at + 8 + 8 * i, BigInt(value), true);
    });
    file.set(segment.bytes, offsets[index]);
  });
  return file;
}

/** First line of `qemu-riscv64 --version`, or undefined when it is not installed. */
export function qemuVersion(): string | undefined {
  try {
    return execFileSync(QEMU, ['--version'], { encoding: 'utf8' }).split('\n')[0];
  } catch {
    return undefined;
  }
}

/** Runs the image under qemu; answers the results it wrote. Rejects when qemu dies, or writes anything else. */
export async function runUnderQemu(image: Image): Promise<Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), 'oopsbox-fuzz-'));
  try {
    const path = join(folder, 'programs');
    writeFileSync(path, toElf(image), { mode: 0o755 });
    return await new Promise((resolve, reject) => {
      const child = spawn(QEMU, [path], { stdio: ['ignore', 'pipe', 'pipe'], timeout: 120_000 });
      const chunks: Buffer[] = [];
      let complaint = '';
      child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
      child.stderr.on('data', (chunk: Buffer) => {
        complaint += chunk.toString();
      });
      child.on('error', reject);
      child.on('close', (status, signal) => {
        const output = Buffer.concat(chunks);
        if (status === 0 && output.length === image.resultsSize) resolve(output);
        else
          reject(new Error(`qemu ended with ${signal ?? status} after ${output.length} bytes: ${complaint}`));
      });
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
