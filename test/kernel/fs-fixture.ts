/** A kernel with a real machine and a small image made of an object, to test the fs room call by call. */
import { createMachine } from '../../src/cpu/index.ts';
import '../../src/kernel/index.ts';
import { Errno } from '../../src/kernel/abi/errno.ts';
import { createDriversRoom, createRandom } from '../../src/kernel/drivers/index.ts';
import { mkdirat, symlinkat, unlink } from '../../src/kernel/fs/dirops.ts';
import { closeFd, newTable } from '../../src/kernel/fs/file.ts';
import type { ImageFs, ImageInode } from '../../src/kernel/fs/image.ts';
import { createFsRoom, initFs, newFsContext } from '../../src/kernel/fs/index.ts';
import { lookupPath } from '../../src/kernel/fs/namei.ts';
import { openat } from '../../src/kernel/fs/open.ts';
import { sysRead, sysWrite } from '../../src/kernel/fs/rw.ts';
import type { Inode } from '../../src/kernel/fs/types.ts';
import type { Kernel } from '../../src/kernel/kernel.ts';
import { createMmRoom, initMm } from '../../src/kernel/mm/index.ts';
import { kernelBuf } from '../../src/kernel/mm/uio.ts';
import type { Outcome } from '../../src/kernel/outcome.ts';
import { createPrintkRoom } from '../../src/kernel/printk/index.ts';
import { createSchedRoom, createTaskRoom, newTask } from '../../src/kernel/task/create.ts';
import { rootCred, userCred } from '../../src/kernel/task/cred.ts';
import type { Task } from '../../src/kernel/task/types.ts';
import { createTimeRoom } from '../../src/kernel/time/index.ts';
import { createTtyRoom } from '../../src/kernel/tty/index.ts';

/** A directory, a file's text, or `-> target`. */
export interface Tree {
  [name: string]: Tree | string;
}

interface Node {
  inode: ImageInode;
  entries: Map<string, number>;
  content: Uint8Array;
}

/** An image that holds `tree`; everything belongs to root and is dated 1,000,000. */
export function imageOf(tree: Tree): ImageFs {
  const nodes: Node[] = [];
  const add = (item: Tree | string): number => {
    const ino = nodes.length + 1;
    const text = typeof item === 'string' ? item : '';
    const link = text.startsWith('-> ') ? text.slice(3) : null;
    const mode = typeof item === 'object' ? 0o40755 : link === null ? 0o100644 : 0o120777;
    const content = new TextEncoder().encode(link === null ? text : '');
    const common = { ino, mode, uid: 0, gid: 0, mtime: 1_000_000, rdev: 0, link, xattrs: null };
    const node: Node = {
      inode: { ...common, nlink: typeof item === 'object' ? 2 : 1, size: content.length },
      entries: new Map(),
      content,
    };
    nodes.push(node);
    if (typeof item === 'object')
      for (const name of Object.keys(item).sort()) node.entries.set(name, add(item[name]));
    return ino;
  };
  add(tree);
  return {
    id: 'test',
    newestSec: 1_000_000,
    inodeCount: nodes.length,
    inode: (ino) => nodes[ino - 1]?.inode ?? null,
    lookup: (dir, name) => nodes[dir - 1].entries.get(name) ?? 0,
    readdir: (dir) =>
      [...nodes[dir - 1].entries].map(([name, ino]) => ({
        name,
        ino,
        type: nodes[ino - 1].inode.mode >> 12,
      })),
    pageKey: (ino, index) => `test:${JSON.stringify(tree).length}:${ino}:${index}`,
    readPageByKey: (key, into) => {
      const [ino, index] = key.split(':').slice(2).map(Number);
      into.fill(0);
      into.set(nodes[ino - 1].content.subarray(index * 4096, index * 4096 + 4096));
    },
    readPage: (ino, index, into) => {
      into.fill(0);
      into.set(nodes[ino - 1].content.subarray(index * 4096, index * 4096 + 4096));
    },
  };
}

/** What a test talks to: calls by name, text for bytes, errno names for failures. */
export interface Rig {
  k: Kernel;
  task: Task;
  /** Runs `body` with the credentials of another user. */
  as<T>(uid: number, body: () => T): T;
  open(name: string, flags?: number, mode?: number): number;
  read(fd: number, count?: number): string | Outcome;
  write(fd: number, text: string): Outcome;
  close(fd: number): Outcome;
  /** A whole file, or -errno. */
  cat(name: string): string | number;
  put(name: string, text: string): void;
  mkdir(name: string, mode?: number): number;
  symlink(target: string, name: string): number;
  rm(name: string): number;
  stat(name: string): Inode;
  ls(name: string): string[];
}

const ERRNO = new Map(Object.entries(Errno).map(([name, value]) => [-value, name]));
/** The name of a negative errno; other numbers as they are. */
export const errno = (value: unknown): unknown =>
  typeof value === 'number' ? (ERRNO.get(value) ?? value) : value;

const AT_FDCWD = -100;

export async function fsRig(tree: Tree, quotas: Partial<Kernel['quotas']> = {}): Promise<Rig> {
  const machine = await createMachine({ maxFrames: 16384 });
  const k = {
    identity: { release: 'test', version: '', machine: 'riscv64', cmdline: '' },
    quotas: { memoryPages: 8192, maxTasks: 100, maxOpenFiles: 1000, diskBytes: 1 << 20, ...quotas },
    hostname: 'test',
    domainname: '',
    sysctl: {},
    random: createRandom(Uint8Array.of(1)),
    taint: 0,
    halted: null,
    unsupported: new Map(),
    sched: createSchedRoom(),
    task: createTaskRoom(),
    mm: createMmRoom(),
    fs: createFsRoom(),
    drivers: createDriversRoom(),
    tty: createTtyRoom(),
    printk: createPrintkRoom(),
    time: createTimeRoom({ sec: 1_500_000_000, nsec: 0 }, 10),
    net: { interfaces: [], sockets: null },
    machine,
    guest: machine.createGuest(8192),
    hart: machine.hart,
    image: imageOf(tree),
    host: { unsupported: () => {} },
  } as unknown as Kernel;
  initMm(k);
  initFs(k);
  const task = newTask(k, {
    group: null,
    comm: 'test',
    mm: null,
    files: newTable(),
    fs: newFsContext(k),
    cred: rootCred,
  }) as Task;
  return rigFor(k, task);
}

/** The calls of one task. */
export function rigFor(k: Kernel, task: Task): Rig {
  const call = <T>(body: () => T): T => {
    task.syscall = { nr: 0, args: [], deadlineNs: null, scratch: null };
    return body();
  };
  const rig: Rig = {
    k,
    task,
    as(uid, body) {
      const { cred } = task;
      task.cred = userCred(uid, uid);
      const result = body();
      task.cred = cred;
      return result;
    },
    open: (name, flags = 0, mode = 0o666) =>
      call(() => openat(k, task, AT_FDCWD, name, flags, mode)) as number,
    read: (fd, count = 4096) =>
      call(() => {
        const bytes = new Uint8Array(count);
        const n = sysRead(k, task, fd, null, () => kernelBuf(bytes));
        return typeof n === 'number' && n >= 0 ? Buffer.from(bytes.subarray(0, n)).toString('latin1') : n;
      }),
    write: (fd, text) =>
      call(() => sysWrite(k, task, fd, null, () => kernelBuf(Buffer.from(text, 'latin1')))),
    close: (fd) => closeFd(k, task, fd),
    cat(name) {
      const fd = rig.open(name);
      if (fd < 0) return fd;
      let text = '';
      for (let part = rig.read(fd); typeof part === 'string' && part !== ''; part = rig.read(fd))
        text += part;
      rig.close(fd);
      return text;
    },
    put(name, text) {
      const fd = rig.open(name, 0o1101);
      if (fd < 0) throw new Error(`${name}: ${errno(fd)}`);
      rig.write(fd, text);
      rig.close(fd);
    },
    mkdir: (name, mode = 0o777) => mkdirat(k, task, AT_FDCWD, name, mode),
    symlink: (target, name) => symlinkat(k, task, target, AT_FDCWD, name),
    rm: (name) => unlink(k, task, AT_FDCWD, name),
    stat(name) {
      const path = lookupPath(k, task, AT_FDCWD, name, { follow: false });
      if (typeof path === 'number') throw new Error(`${name}: ${errno(path)}`);
      return path.dentry.inode as Inode;
    },
    ls(name) {
      const path = lookupPath(k, task, AT_FDCWD, name);
      if (typeof path === 'number') throw new Error(`${name}: ${errno(path)}`);
      const inode = path.dentry.inode as Inode;
      return findNames(k, inode);
    },
  };
  return rig;
}

import { findFsType } from '../../src/kernel/fs/ops.ts';

const findNames = (k: Kernel, dir: Inode): string[] =>
  (findFsType(dir.sb.type)?.readdir(k, null, dir) ?? []).map((entry) => entry.name).sort();
