/** Machines over a store of their own, and a full account of a disk to compare before and after. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { Machine } from '../../src/cpu/index.ts';
import { createMachine } from '../../src/cpu/index.ts';
import { openStore, type VmRecord, type VmStore } from '../../src/host/store.ts';
import type { Image } from '../../src/image/index.ts';
import { entriesOf, lowerInode, type TreeData } from '../../src/kernel/fs/treefs.ts';
import type { Inode } from '../../src/kernel/fs/types.ts';
import type { Kernel } from '../../src/kernel/kernel.ts';
import { readKernel } from '../../src/kernel/mm/filemap.ts';
import {
  bootVm,
  closeInput,
  createVm,
  type ExitStatus,
  exitStatusOf,
  forgetProcess,
  openProvisionedImage,
  readOutput,
  runVm,
  spawnProcess,
  type Vm,
} from '../../src/vm/index.ts';

const quotas = {
  memoryMiB: 512,
  diskMiB: 1024,
  maxTasks: 1024,
  maxOpenFiles: 65536,
  cpuShare: 100,
  outputBytesPerSec: 1e6,
};

export interface StoreBench {
  store: VmStore;
  folder: string;
  machine: Machine;
  image: Image;
  record(id: string): VmRecord;
  /** Closes the store and opens it anew, as a new process would. */
  reopen(): Promise<VmStore>;
}

/** A store in a temporary folder, removed when the tests of the file are through. */
export async function storeBench(): Promise<StoreBench> {
  const folder = mkdtempSync(join(tmpdir(), 'oopsbox-store-'));
  const image = await openProvisionedImage();
  const bench: StoreBench = {
    store: openStore(folder),
    folder,
    machine: await createMachine(),
    image,
    record: (id) => ({
      spec: { id, hostname: id, deterministic: true, quotas },
      imageId: image.id,
      power: 'on',
      error: '',
      createdSec: 0,
    }),
    async reopen() {
      await bench.store.close();
      bench.store = openStore(folder);
      return bench.store;
    },
  };
  afterAll(async () => {
    await bench.store.close();
    rmSync(folder, { recursive: true, force: true });
    image.close();
  });
  return bench;
}

/** A fresh machine that the store knows, its disk committed. */
export async function newBox(bench: StoreBench, id: string): Promise<Vm> {
  await bench.store.create(bench.record(id));
  const vm = createVm(bench.machine, bench.image);
  await bench.store.commitDisk(id, vm.kernel);
  return vm;
}

/** The machine as it boots after a power cut. */
export function powerOn(bench: StoreBench, id: string): Vm {
  const disk = bench.store.loadDisk(id, bench.image) ?? undefined;
  const vm = bootVm(bench.machine, bench.image, { disk });
  bench.store.attach(id, vm.kernel);
  return vm;
}

export interface Ran extends ExitStatus {
  output: string;
  /** How often the VM stopped for its disk. */
  syncs: number;
}

/** Runs a shell command to its end. Each `sync` is answered by a commit; `between` is called after each slice. */
export async function shell(
  bench: StoreBench,
  id: string,
  vm: Vm,
  command: string,
  between?: () => Promise<void>,
  slice = 2e6,
): Promise<Ran> {
  const pid = spawnProcess(vm, { argv: ['/bin/bash', '-c', command] });
  closeInput(vm, pid);
  let output = '';
  let syncs = 0;
  for (let steps = 0; steps < 100_000; steps++) {
    const { state } = runVm(vm, slice, 1e9, 1);
    if (state === 'sync') {
      syncs++;
      await bench.store.commitDisk(id, vm.kernel);
    }
    for (const stream of ['stdout', 'stderr'] as const)
      output += Buffer.from(readOutput(vm, pid, stream)).toString('latin1');
    const status = exitStatusOf(vm, pid);
    if (status) {
      forgetProcess(vm, pid);
      return { ...status, output, syncs };
    }
    await between?.();
  }
  throw new Error(`it does not end: ${command}`);
}

const DT_DIR = 4;

/** Everything that the disk has over the image, a line a name: attributes, times, links, and a digest of the content. */
export function account(k: Kernel): string[] {
  const { sb } = k.fs.rootMount;
  const { inodes } = sb.data as TreeData;
  const lines: string[] = [];
  const say = (path: string, inode: Inode): void => {
    const { ino, mode, uid, gid, nlink, size, rdev, link, lowerSize } = inode;
    const times = [inode.mtime, inode.ctime, inode.btime].map(({ sec, nsec }) => `${sec}.${nsec}`);
    const xattrs = [...(inode.xattrs ?? [])].map(
      ([name, value]) => `${name}=${Buffer.from(value).toString('hex')}`,
    );
    const content =
      (mode & 0o170000) === 0o100000
        ? createHash('sha1')
            .update(readKernel(k, inode, 0, size))
            .digest('hex')
        : '';
    const facts = [ino, mode.toString(8), uid, gid, nlink, size, rdev, link, lowerSize, content];
    lines.push([path, ...facts, ...times, ...xattrs.sort()].join(' '));
  };
  const visit = (dir: Inode, path: string): void => {
    const own = entriesOf(dir);
    if (dir.lower !== 0)
      for (const { name, ino, type } of k.image.readdir(dir.lower)) {
        if (own?.has(name)) continue;
        const inode = inodes.get(ino) ?? (type === DT_DIR ? lowerInode(k, sb, ino) : undefined);
        if (inode) step(inode, `${path}/${name}`);
      }
    for (const [name, inode] of own ?? [])
      inode ? step(inode, `${path}/${name}`) : lines.push(`${path}/${name} hidden`);
  };
  const step = (inode: Inode, path: string): void => {
    if (inode.version > 0) say(path, inode);
    if ((inode.mode & 0o170000) === 0o40000) visit(inode, path);
  };
  step(sb.root, '');
  return lines.sort();
}

/** The account of what the store has. */
export function stored(bench: StoreBench, id: string): string[] {
  const vm = powerOn(bench, id);
  const lines = account(vm.kernel);
  const { sb } = vm.kernel.fs.rootMount;
  lines.push(`${sb.nextIno} ${sb.usedBytes} ${sb.usedInodes}`);
  vm.kernel.guest.destroy();
  return lines;
}

/** The account of a living kernel, its disk committed. */
export async function committed(bench: StoreBench, id: string, vm: Vm): Promise<string[]> {
  await bench.store.commitDisk(id, vm.kernel);
  return living(vm.kernel);
}

/** The same as it is. */
export function living(k: Kernel): string[] {
  const { sb } = k.fs.rootMount;
  return [...account(k), `${sb.nextIno} ${sb.usedBytes} ${sb.usedInodes}`];
}
