/**
 * Synthetic trees as file systems: what fs/ops.ts asks of a file system, answered from the declarations of kernfs.ts, and
 * the open text file.
 *
 * Always true: an open file shows the text that was made when it was read at offset 0, until it is read there again.
 */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import { copyFromIo, copyToIo } from '../mm/uio.ts';
import type { Outcome } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import { newInode } from './inode.ts';
import {
  attributeKey,
  childOf,
  childrenOf,
  inoOf,
  type KernfsNode,
  type KernfsRef,
  type KernfsTree,
  kernfsRoom,
  type Resolved,
  refOf,
  refresh,
  registerTree,
  resolve,
  S_IFDIR,
  wallTime,
} from './kernfs.ts';
import { defineFileOps, defineFsType, type FileOps } from './ops.ts';
import { newSuperblock } from './super.ts';
import type { File, Inode, Superblock } from './types.ts';

const DT_DIR = 4;
const DT_REG = 8;
const DT_LNK = 10;
const typeOfNode = { dir: DT_DIR, file: DT_REG, link: DT_LNK } as const;

function makeInode(k: Kernel, sb: Superblock, tree: string, at: Resolved): Inode {
  const { node, ctx } = at;
  const inode = newInode(k, sb, {
    ino: inoOf(tree, ctx.names, node),
    mode: 0,
    time: wallTime(k, node.timeNs?.(k, ctx) ?? 0),
  });
  const ref: KernfsRef = { tree, names: ctx.names, params: ctx.params };
  inode.data = ref;
  refresh(k, inode, at);
  return inode;
}

function newSuper(k: Kernel, tree: KernfsTree, source: string): Superblock {
  const mode = S_IFDIR | (tree.rootMode ?? tree.root.mode);
  const sb = newSuperblock(
    k,
    tree.name,
    source,
    { ino: 1, mode, time: wallTime(k, 0) },
    { maxBytes: 0, maxInodes: 0 },
  );
  const ref: KernfsRef = { tree: tree.name, names: [], params: {} };
  sb.root.data = ref;
  return sb;
}

/** Declares a synthetic tree and its file system type. */
export function defineKernfs(tree: KernfsTree): void {
  registerTree(tree);
  const { name } = tree;
  defineFsType({
    name,
    nodev: true,
    mount(k, source) {
      const old = tree.single ? k.fs.superblocks.find((sb) => sb.type === name) : undefined;
      return old ?? newSuper(k, tree, source);
    },
    lookup(k, task, dir, child) {
      const at = resolve(k, refOf(dir), task);
      if (at?.node.type !== 'dir') return -Errno.ENOENT;
      const refused = at.node.check?.(k, at.ctx) ?? 0;
      if (refused < 0) return refused;
      const found = childOf(k, name, at, child);
      return found ? makeInode(k, dir.sb, name, found) : -Errno.ENOENT;
    },
    readdir(k, task, dir) {
      const at = resolve(k, refOf(dir), task);
      if (at?.node.type !== 'dir' || (at.node.check?.(k, at.ctx) ?? 0) < 0) return [];
      const { names } = refOf(dir);
      return childrenOf(k, name, at).map(([child, node]: [string, KernfsNode]) => ({
        name: child,
        ino: inoOf(name, [...names, child], node),
        type: typeOfNode[node.type],
      }));
    },
    create: (_k, _dir, _name, init) =>
      (init.mode & 0o170000) === S_IFDIR ? tree.createError.dir : tree.createError.other,
    readlink(k, task, inode) {
      const at = resolve(k, refOf(inode), task);
      if (at?.node.type === 'link') return at.node.target(k, at.ctx);
      return at ? -Errno.EINVAL : -Errno.ENOENT;
    },
    followLink(k, task, inode) {
      const at = resolve(k, refOf(inode), task);
      if (at?.node.type !== 'link') return at ? -Errno.EINVAL : -Errno.ENOENT;
      return at.node.follow ? at.node.follow(k, at.ctx) : -Errno.EINVAL;
    },
    revalidate(k, inode) {
      const at = resolve(k, refOf(inode), null);
      if (at) refresh(k, inode, at);
    },
    setattr(k, inode, change) {
      const ref = refOf(inode);
      if (Object.keys(ref.params).length > 0) return change.mode === undefined ? 0 : -Errno.EPERM;
      const { mode, uid, gid } = change;
      if (mode === undefined && uid === undefined && gid === undefined) return 0;
      const key = attributeKey(ref);
      const { attributes } = kernfsRoom(k);
      if (!attributes.has(key) && attributes.size >= 10_000) return -Errno.ENOSPC;
      const old = attributes.get(key) ?? {};
      if (mode !== undefined) old.mode = mode & 0o7777;
      if (uid !== undefined) old.uid = uid;
      if (gid !== undefined) old.gid = gid;
      attributes.set(key, old);
      return 0;
    },
    open: openNode,
    statfs: () => ({
      type: tree.magic,
      blocks: 0,
      free: 0,
      files: 0,
      ffree: 0,
    }),
  });
}

/** What an open text file keeps. */
interface OpenText {
  ref: KernfsRef;
  text: string | null;
}

const O_ACCMODE = 3;

function openNode(k: Kernel, task: Task, file: File): Outcome {
  const ref = refOf(file.inode);
  const at = resolve(k, ref, task);
  if (!at) return ref.params.tid !== undefined ? -Errno.ESRCH : -Errno.ENOENT;
  if (at.node.type !== 'file') return 0;
  const { node, ctx } = at;
  const refused = node.check?.(k, task, ctx) ?? 0;
  if (refused < 0) return refused;
  if (node.open) return node.open(k, task, file, ctx);
  if (node.kind) {
    file.kind = node.kind;
    file.data = { ref, names: ctx.names, params: ctx.params, data: ctx.data };
    return 0;
  }
  const access = file.flags & O_ACCMODE;
  if (node.strict && access !== 1 && (!node.show || (file.inode.mode & 0o444) === 0)) return -Errno.EACCES;
  if (node.strict && access !== 0 && (!node.store || (file.inode.mode & 0o222) === 0)) return -Errno.EACCES;
  file.kind = 'kernfs';
  const state: OpenText = { ref, text: null };
  file.data = state;
  return 0;
}

/** The bytes of a byte string. */
export function bytesOf(text: string, from: number, to: number): Uint8Array {
  const out = new Uint8Array(to - from);
  for (let i = from; i < to; i++) out[i - from] = text.charCodeAt(i);
  return out;
}

/** The byte string of bytes. */
export function stringOf(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 8192)
    text += String.fromCharCode(...bytes.subarray(i, Math.min(i + 8192, bytes.length)));
  return text;
}

/** The most that one write to a text file may carry (a page less one, kernfs_fop_write and proc_sys_write alike). */
const MAX_WRITE = 4096;

const textOps: FileOps = {
  seekable: true,
  read(k, task, file, buf, pos) {
    const state = file.data as OpenText;
    const at = pos ?? file.pos;
    if (at === 0 || state.text === null) {
      const found = resolve(k, state.ref, task);
      if (!found) return state.ref.params.tid !== undefined ? -Errno.ESRCH : -Errno.ENODEV;
      if (found.node.type !== 'file' || !found.node.show) return -Errno.EIO;
      const text = found.node.show(k, found.ctx);
      if (typeof text === 'number') return text;
      state.text = text;
    }
    const count = Math.min(buf.length - buf.done, state.text.length - at);
    if (count <= 0) return 0;
    const copied = copyToIo(k, task, buf, bytesOf(state.text, at, at + count));
    if (copied > 0 && pos === null) file.pos = at + copied;
    return copied;
  },
  write(k, task, file, buf, pos) {
    const state = file.data as OpenText;
    const found = resolve(k, state.ref, task);
    if (!found) return state.ref.params.tid !== undefined ? -Errno.ESRCH : -Errno.ENODEV;
    if (found.node.type !== 'file' || !found.node.store) return -Errno.EIO;
    const bytes = copyFromIo(k, task, buf, MAX_WRITE);
    if (typeof bytes === 'number') return bytes;
    const outcome = found.node.store(k, task, found.ctx, stringOf(bytes));
    if (typeof outcome === 'number' && outcome > 0 && pos === null) file.pos += outcome;
    return outcome;
  },
  llseek(_k, _task, file, offset, whence) {
    const target = whence === 0 ? offset : whence === 1 ? file.pos + offset : -1;
    if (target < 0) return -Errno.EINVAL;
    file.pos = target;
    return target;
  },
  poll(k, file) {
    const found = resolve(k, (file.data as OpenText).ref, null);
    if (found?.node.type === 'file' && found.node.poll) return found.node.poll(k, found.ctx);
    return { events: 0x145, queues: [] };
  },
};
defineFileOps('kernfs', textOps);
