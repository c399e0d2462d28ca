/**
 * Nodes of synthetic trees that come and go while the VM runs: files that modules make in proc, sysfs and debugfs.
 *
 * Always true: they are plain data (`k.fs.kernfs.dynamic[tree]` is a directory of directories); what they do is found in
 * the table of handlers by name.
 */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import type { Plain } from '../outcome.ts';
import type { DirNode, FileNode, KernfsNode } from './kernfs.ts';
import { kernfsRoom } from './kernfs.ts';

export interface DynamicNode {
  type: 'dir' | 'file' | 'link';
  mode: number;
  /** Key of the table of handlers; '' for directories and links. */
  handler: string;
  /** What the handler needs; for a link its target. */
  data: Plain;
  children: Map<string, DynamicNode> | null;
}

/** What a kind of dynamic file does: the functions of a {@link FileNode}; `ctx.data` is the node's data. */
export type DynamicHandler = Partial<
  Pick<FileNode, 'show' | 'store' | 'check' | 'kind' | 'poll' | 'size' | 'strict' | 'open'>
>;

const handlers = new Map<string, DynamicHandler>();

/** Registers what dynamic files of a kind do, under a name that stays valid in checkpoints. */
export function defineKernfsHandler(name: string, handler: DynamicHandler): void {
  handlers.set(name, handler);
}

const emptyDir = (): DynamicNode => ({
  type: 'dir',
  mode: 0o755,
  handler: '',
  data: null,
  children: new Map(),
});

/** The dynamic node at `names`, or null. Declared nodes are not seen here. */
export function findDynamic(k: Kernel, tree: string, names: readonly string[]): DynamicNode | null {
  let at: DynamicNode | undefined = k.fs.kernfs?.dynamic[tree];
  for (const name of names) {
    if (!at) return null;
    at = at.children?.get(name);
  }
  return at?.handler === 'kernfs.shade' ? null : (at ?? null);
}

/** Dynamic children of the directory at `names`, declared or dynamic. */
export function dynamicChildren(k: Kernel, tree: string, names: readonly string[]): [string, DynamicNode][] {
  let at: DynamicNode | undefined = k.fs.kernfs?.dynamic[tree];
  for (const name of names) at = at?.children?.get(name);
  if (!at?.children) return [];
  return [...at.children].filter(([, node]) => node.handler !== 'kernfs.shade');
}

/**
 * Adds a node; -EEXIST when the name is taken among dynamic nodes. Directories on the way that are not dynamic are
 * taken to be declared ones.
 */
export function addDynamic(
  k: Kernel,
  tree: string,
  names: readonly string[],
  node: {
    type: DynamicNode['type'];
    mode: number;
    handler?: string;
    data?: Plain;
  },
): number {
  const room = kernfsRoom(k);
  room.dynamic[tree] ??= emptyDir();
  let at = room.dynamic[tree];
  for (const name of names.slice(0, -1)) {
    at.children ??= new Map();
    let next = at.children.get(name);
    if (!next) {
      next = { ...emptyDir(), handler: 'kernfs.shade' };
      at.children.set(name, next);
    }
    at = next;
  }
  at.children ??= new Map();
  const last = names[names.length - 1];
  const old = at.children.get(last);
  if (old && old.handler !== 'kernfs.shade') return -Errno.EEXIST;
  at.children.set(last, {
    type: node.type,
    mode: node.mode,
    handler: node.handler ?? '',
    data: node.data ?? null,
    children: node.type === 'dir' ? (old?.children ?? new Map()) : null,
  });
  return 0;
}

/** Removes a node with everything below it; answers whether it was there. */
export function removeDynamic(k: Kernel, tree: string, names: readonly string[]): boolean {
  let at: DynamicNode | undefined = k.fs.kernfs?.dynamic[tree];
  for (const name of names.slice(0, -1)) at = at?.children?.get(name);
  return at?.children?.delete(names[names.length - 1]) ?? false;
}

/** A dynamic node as the declarations' functions see one. */
export function nodeOfDynamic(node: DynamicNode): KernfsNode {
  if (node.type === 'dir') {
    const made: DirNode = { type: 'dir', mode: node.mode, children: new Map() };
    return made;
  }
  if (node.type === 'link') return { type: 'link', mode: 0o777, target: () => node.data as string };
  return {
    type: 'file',
    mode: node.mode,
    size: node.data?.fileSize ?? 0,
    ...handlers.get(node.handler),
  };
}
