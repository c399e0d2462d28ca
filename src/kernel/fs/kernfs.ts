/**
 * The one base of every synthetic tree (proc, sysfs, debugfs, securityfs): directories, files and links are *declared*;
 * what they show is computed from the kernel's state when it is read.
 *
 * Always true: a synthetic inode holds nothing but the names that lead to it and the parameters found on the way
 * (`{ tree, names, params }`). Each use walks the declarations anew, so a node vanishes with the object behind it, and a
 * process id that was reused is not mistaken for the old process. Inode numbers are a function of the names.
 *
 * Besides the declared nodes a tree has *dynamic* ones, made and removed while the VM runs (files of modules, debugfs):
 * plain data below `k.fs.kernfs`, whose behaviour is found by the name of a handler; see kernfs-dynamic.ts.
 */
import type { Kernel } from '../kernel.ts';
import type { Outcome, Plain } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import { type DynamicNode, dynamicChildren, findDynamic, nodeOfDynamic } from './kernfs-dynamic.ts';
import type { File, Inode, Path, PollResult, Timespec } from './types.ts';

/** File type bits of st_mode. */
export const S_IFDIR = 0o040000;
export const S_IFREG = 0o100000;
export const S_IFLNK = 0o120000;

/** What the functions of a node are told. */
export interface NodeContext {
  /** Who asks; null when the kernel does. */
  readonly task: Task | null;
  /** The names from the tree's root to the node. */
  readonly names: readonly string[];
  /** Parameters that dynamic directories found in the names, such as `{ tid, start }`. */
  readonly params: Readonly<Record<string, Plain>>;
  /** Data of a dynamic node. */
  readonly data: Plain;
}

interface NodeBase {
  /** Permission bits. */
  readonly mode: number;
  /** Owner; root by default. */
  readonly owner?: (k: Kernel, ctx: NodeContext) => { uid: number; gid: number };
  /** Permission bits that depend on state. */
  readonly modeOf?: (k: Kernel, ctx: NodeContext) => number;
  /** Monotonic time shown as its times; boot by default. */
  readonly timeNs?: (k: Kernel, ctx: NodeContext) => number;
  /** Inode number, where it means something (name spaces). */
  readonly ino?: number;
}

export interface FileNode extends NodeBase {
  readonly type: 'file';
  /** st_size: 0 in proc, 4096 in sysfs. */
  readonly size: number;
  /** The whole text (a byte string), or -errno. Read once at offset 0; reads that follow see the same text. */
  readonly show?: (k: Kernel, ctx: NodeContext) => string | number;
  /** Takes what one write(2) carried; answers how many bytes were used, or -errno. */
  readonly store?: (k: Kernel, task: Task, ctx: NodeContext, text: string) => Outcome;
  /** Refuses an open with -errno. */
  readonly check?: (k: Kernel, task: Task, ctx: NodeContext) => number;
  /** Another kind of open file (key of fileOps); it finds `{ names, params, data }` in `file.data`. */
  readonly kind?: string;
  /** Completes an open itself: sets `kind` and `data` of the file. */
  readonly open?: (k: Kernel, task: Task, file: File, ctx: NodeContext) => Outcome;
  readonly poll?: (k: Kernel, ctx: NodeContext) => PollResult;
  /** Opens are refused (EACCES) for what no permission bit allows, even to root: sysfs and /proc/sys. */
  readonly strict?: boolean;
}

export interface LinkNode extends NodeBase {
  readonly type: 'link';
  /** st_size, which is not the target's length: 64 below /proc/PID/fd. */
  readonly size?: number;
  readonly target: (k: Kernel, ctx: NodeContext) => string | number;
  /** A magic link: leads to an object rather than to a name. */
  readonly follow?: (k: Kernel, ctx: NodeContext) => Path | number;
}

export interface DirNode extends NodeBase {
  readonly type: 'dir';
  readonly children: ReadonlyMap<string, KernfsNode>;
  /** Children that depend on state: all of them, in a stable order, and one by name. */
  readonly list?: (k: Kernel, ctx: NodeContext) => Iterable<readonly [string, KernfsNode]>;
  readonly find?: (k: Kernel, ctx: NodeContext, name: string) => Found | null;
  /** Refuses listing and look-up with -errno. */
  readonly check?: (k: Kernel, ctx: NodeContext) => number;
}

export type KernfsNode = FileNode | LinkNode | DirNode;

/** A child of a directory that depends on state, with the parameters its name stands for. */
export interface Found {
  readonly node: KernfsNode;
  readonly params?: Record<string, Plain>;
}

/** What a synthetic inode's `data` holds. */
export interface KernfsRef {
  readonly tree: string;
  readonly names: readonly string[];
  readonly params: Readonly<Record<string, Plain>>;
}

/** A node found, with what its functions are told. */
export interface Resolved {
  readonly node: KernfsNode;
  readonly ctx: NodeContext;
}

/** Changed modes and owners, and dynamic nodes, by tree. */
export interface KernfsRoom {
  attributes: Map<string, { mode?: number; uid?: number; gid?: number }>;
  dynamic: Record<string, DynamicNode>;
}

/** The kernfs part of the kernel state; made on first use. */
export function kernfsRoom(k: Kernel): KernfsRoom {
  k.fs.kernfs ??= { attributes: new Map(), dynamic: {} };
  return k.fs.kernfs;
}

// ── Declaring ──────────────────────────────────────────────────────────────────────────────────────────────────

type Options<T> = Partial<Omit<T, 'type' | 'children' | 'target'>>;

/** A directory with fixed children (and, in `options`, such that depend on state). */
export const dir = (children: Record<string, KernfsNode> = {}, options: Options<DirNode> = {}): DirNode => ({
  type: 'dir',
  mode: 0o555,
  children: new Map(Object.entries(children)),
  ...options,
});

/** A file that shows text; proc's defaults (mode 0444, size 0). */
export const file = (show: FileNode['show'], options: Options<FileNode> = {}): FileNode => ({
  type: 'file',
  mode: 0o444,
  size: 0,
  show,
  ...options,
});

/** A file of another kind than text; see {@link FileNode.kind}. */
export const special = (kind: string, mode: number, options: Options<FileNode> = {}): FileNode => ({
  type: 'file',
  mode,
  size: 0,
  kind,
  ...options,
});

/** A symbolic link, to a fixed or computed name. */
export const link = (target: string | LinkNode['target'], options: Options<LinkNode> = {}): LinkNode => ({
  type: 'link',
  mode: 0o777,
  target: typeof target === 'string' ? () => target : target,
  ...options,
});

/** What sets one synthetic file system apart. */
export interface KernfsTree {
  readonly name: string;
  readonly root: DirNode;
  /** statfs f_type. */
  readonly magic: number;
  /** What making a directory or another file answers: proc -ENOENT, sysfs -EPERM and -EACCES. */
  readonly createError: { dir: number; other: number };
  /** Whether only one superblock exists, whatever is mounted how often. */
  readonly single: boolean;
  readonly rootMode?: number;
}

const trees = new Map<string, KernfsTree>();

export function registerTree(tree: KernfsTree): void {
  trees.set(tree.name, tree);
}
export function treeOf(name: string): KernfsTree {
  const tree = trees.get(name);
  if (!tree) throw new Error(`no synthetic tree is called ${name}`);
  return tree;
}

// ── Walking ────────────────────────────────────────────────────────────────────────────────────────────────────

const noParams: Readonly<Record<string, Plain>> = {};

/** One step down from a directory node; null when there is no such child. */
export function childOf(k: Kernel, tree: string, from: Resolved, name: string): Resolved | null {
  const { node, ctx } = from;
  if (node.type !== 'dir') return null;
  const names = [...ctx.names, name];
  const fixed = node.children.get(name);
  if (fixed) return { node: fixed, ctx: { ...ctx, names } };
  const found = node.find?.(k, ctx, name);
  if (found) {
    const params = found.params ? { ...ctx.params, ...found.params } : ctx.params;
    return { node: found.node, ctx: { ...ctx, names, params } };
  }
  const dynamic = findDynamic(k, tree, names);
  if (!dynamic) return null;
  return {
    node: nodeOfDynamic(dynamic),
    ctx: { ...ctx, names, data: dynamic.data },
  };
}

/** All children of a directory node, in a stable order. */
export function childrenOf(k: Kernel, tree: string, from: Resolved): [string, KernfsNode][] {
  const { node, ctx } = from;
  if (node.type !== 'dir') return [];
  const seen = new Map<string, KernfsNode>();
  for (const [name, child] of node.children) seen.set(name, child);
  for (const [name, child] of node.list?.(k, ctx) ?? []) if (!seen.has(name)) seen.set(name, child);
  for (const [name, child] of dynamicChildren(k, tree, ctx.names))
    if (!seen.has(name)) seen.set(name, nodeOfDynamic(child));
  return [...seen];
}

export const rootOf = (tree: KernfsTree, task: Task | null): Resolved => ({
  node: tree.root,
  ctx: { task, names: [], params: noParams, data: null },
});

/** Finds the node behind a reference again; null when it (or the process it was about) is gone. */
export function resolve(k: Kernel, ref: KernfsRef, task: Task | null): Resolved | null {
  let at: Resolved | null = rootOf(treeOf(ref.tree), task);
  for (const name of ref.names) {
    at = childOf(k, ref.tree, at, name);
    if (!at) return null;
  }
  for (const key in at.ctx.params) if (at.ctx.params[key] !== ref.params[key]) return null;
  return at;
}

export const refOf = (inode: Inode): KernfsRef => inode.data as KernfsRef;

// ── Inodes ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** The inode number of a name: a 32-bit FNV-1a hash above the small numbers. */
export function inoOf(tree: string, names: readonly string[], node: KernfsNode): number {
  if (node.ino !== undefined) return node.ino;
  if (names.length === 0) return 1;
  let hash = 0x811c9dc5;
  const mix = (text: string): void => {
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    hash = Math.imul(hash ^ 0x2f, 0x01000193);
  };
  mix(tree);
  for (const name of names) mix(name);
  return (hash >>> 0) | 0 ? (hash >>> 0) + 2 : 2;
}

/** Monotonic nanoseconds as time of day. */
export function wallTime(k: Kernel, monotonicNs: number): Timespec {
  const offset = k.time.realtimeOffset;
  const sec = Math.floor(monotonicNs / 1e9);
  const nsec = Math.floor(monotonicNs - sec * 1e9) + offset.nsec;
  return { sec: sec + offset.sec + Math.floor(nsec / 1e9), nsec: nsec % 1e9 };
}

export const attributeKey = (ref: KernfsRef): string => `${ref.tree}:/${ref.names.join('/')}`;

/** Mode, owner and size as they are now; see FsType.revalidate. */
export function refresh(k: Kernel, inode: Inode, at: Resolved): void {
  const { node, ctx } = at;
  const type = node.type === 'dir' ? S_IFDIR : node.type === 'link' ? S_IFLNK : S_IFREG;
  const owner = node.owner?.(k, ctx);
  const changed = k.fs.kernfs?.attributes.size
    ? k.fs.kernfs.attributes.get(attributeKey(refOf(inode)))
    : undefined;
  inode.mode = type | (changed?.mode ?? node.modeOf?.(k, ctx) ?? node.mode);
  inode.uid = changed?.uid ?? owner?.uid ?? 0;
  inode.gid = changed?.gid ?? owner?.gid ?? 0;
  inode.size = node.type === 'dir' ? 0 : (node.size ?? 0);
  inode.nlink = node.type === 'dir' ? 2 : 1;
}
