/** Device numbers, misc devices and the memory devices. */
import { beforeEach, describe, expect, it } from 'vitest';
import { registerChrdev, unregisterChrdev } from '../../src/kernel/drivers/device.ts';
import '../../src/kernel/drivers/index.ts';
import { randomBelow, randomBytes } from '../../src/kernel/drivers/random.ts';
import { findChrdevDriver, opsOf } from '../../src/kernel/fs/ops.ts';
import type { File } from '../../src/kernel/fs/types.ts';
import type { Kernel } from '../../src/kernel/kernel.ts';
import { kernelBuf } from '../../src/kernel/mm/uio.ts';
import { bareKernel, bareTask } from './tty-fixture.ts';

let k: Kernel;

beforeEach(() => {
  k = bareKernel();
});

const region = (major: number, baseMinor = 0, count = 1) => ({
  major,
  baseMinor,
  count,
  name: 'test',
  driver: 'mem',
});

describe('device numbers', () => {
  it('gives dynamic majors from 254 down, then from 511', () => {
    const majors = Array.from({ length: 23 }, () => registerChrdev(k, region(0)));
    expect(majors.slice(0, 2)).toEqual([254, 253]);
    expect(majors.slice(20)).toEqual([234, 511, 510]);
  });
  it('refuses what is taken or too large', () => {
    expect(registerChrdev(k, region(10, 0, 256))).toBe(10);
    expect(registerChrdev(k, region(10, 255, 1))).toBe(-16);
    expect(registerChrdev(k, region(10, 256, 1))).toBe(10);
    expect(registerChrdev(k, region(600))).toBe(-22);
    expect(unregisterChrdev(k, 10, 0, 256)).toBe(true);
    expect(registerChrdev(k, region(10, 255, 1))).toBe(10);
  });
});

describe('memory devices', () => {
  const open = (minor: number): File => {
    const file = { flags: 2, pos: 0 } as File;
    expect(findChrdevDriver('mem')?.open(k, bareTask(k), file, minor)).toBe(0);
    return file;
  };
  const io = (file: File, way: 'read' | 'write', size: number): [unknown, Uint8Array] => {
    const bytes = new Uint8Array(size).fill(7);
    return [opsOf(file)[way]?.(k, bareTask(k), file, kernelBuf(bytes), null), bytes];
  };
  it('behave as man 4 null, zero, full say', () => {
    expect(io(open(3), 'read', 10)[0]).toBe(0);
    expect(io(open(3), 'write', 10)[0]).toBe(10);
    expect(io(open(5), 'read', 4)).toEqual([4, new Uint8Array(4)]);
    expect(io(open(7), 'write', 1)[0]).toBe(-28);
    expect(io(open(7), 'read', 4)[0]).toBe(4);
  });
  it('random bytes differ, and are the same for the same seed', () => {
    const [count, bytes] = io(open(9), 'read', 100_000);
    expect(count).toBe(100_000);
    expect(new Set(bytes).size).toBe(256);
    const other = bareKernel();
    expect(randomBytes(other, 100)).toEqual(randomBytes(bareKernel(), 100));
    expect(randomBytes(other, 100)).not.toEqual(randomBytes(bareKernel(), 100));
    for (let i = 0; i < 100; i++) expect(randomBelow(k, 10)).toBeLessThan(10);
  });
  it('writing mixes the pool', () => {
    const other = bareKernel();
    io(open(8), 'write', 32);
    expect(randomBytes(k, 16)).not.toEqual(randomBytes(other, 16));
  });
});
