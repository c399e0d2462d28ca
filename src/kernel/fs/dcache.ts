/**
 * Dentries: names that were looked up. Always true: a cached dentry is in its parent's `children` under its name, unless it
 * was unlinked (`deleted`) or swept; a swept dentry that somebody still holds stays right as a name, only a new look-up
 * makes another. The file system's own tables, not dentries, are the truth.
 */
import type { Kernel } from '../kernel.ts';
import { isDir } from './flags.ts';
import { findFsType } from './ops.ts';
import { dropCleanInodes } from './rootfs.ts';
import type { Dentry, Inode, Mount, Path } from './types.ts';

/** A dentry that is in no cache yet. */
export const newDentry = (name: string, parent: Dentry | null, inode: Inode | null): Dentry => ({
  name,
  parent,
  inode,
  children: null,
  mounted: 0,
  deleted: false,
});

/** Puts a child into the cache. */
export function cacheDentry(k: Kernel, dentry: Dentry): void {
  const parent = dentry.parent as Dentry;
  if (!parent.children) parent.children = new Map();
  if (!parent.children.has(dentry.name)) k.fs.dentries++;
  parent.children.set(dentry.name, dentry);
}

/** A child just found or made: cached where the file system allows it. */
export function childDentry(k: Kernel, parent: Dentry, name: string, inode: Inode): Dentry {
  const dentry = newDentry(name, parent, inode);
  if (findFsType(inode.sb.type)?.cached) cacheDentry(k, dentry);
  return dentry;
}

/** Takes a name out of the cache; the dentry itself remains for who holds it. */
export function uncache(k: Kernel, dentry: Dentry): void {
  const siblings = dentry.parent?.children;
  if (siblings?.get(dentry.name) !== dentry) return;
  siblings.delete(dentry.name);
  k.fs.dentries--;
  if (siblings.size === 0 && dentry.parent) dentry.parent.children = null;
}

/** The name is gone: who holds the dentry sees " (deleted)". */
export function markDeleted(k: Kernel, dentry: Dentry): void {
  uncache(k, dentry);
  dentry.deleted = true;
}

/** Keeps every dentry from `dentry` to the root of its file system in the cache: the way to a mount point. */
export function pinWay(k: Kernel, dentry: Dentry): void {
  for (let d = dentry; d.parent; d = d.parent) cacheDentry(k, d);
}

/** Directories may nest this deep; checkpoints walk the tree by recursion. */
export const MAX_DEPTH = 400;

/** How many names and mounts lie between a place and the root of the mount tree. */
export function depthOf(path: Path): number {
  let depth = 0;
  for (
    let mnt: Mount | null = path.mnt, d: Dentry | null = path.dentry;
    mnt;
    d = mnt.mountpoint, mnt = mnt.parent
  ) {
    depth++;
    for (; d?.parent; d = d.parent) depth++;
  }
  return depth;
}

/** How deep the directories that this VM made nest below a directory. */
export function heightOf(dir: Inode): number {
  let level = [dir];
  for (let height = 0; ; height++) {
    const next: Inode[] = [];
    for (const at of level)
      for (const child of (at.data as Map<string, Inode | null> | null)?.values() ?? [])
        if (child && isDir(child.mode)) next.push(child);
    if (next.length === 0) return height;
    level = next;
  }
}

/** Whether `dentry` lies at or below `above`. */
export function isBelow(dentry: Dentry, above: Dentry): boolean {
  for (let d: Dentry | null = dentry; d; d = d.parent) if (d === above) return true;
  return false;
}

/** Sweeps the cache when it is over its limit. Call it only where no dentry is held but by tasks, files and mounts. */
export function boundDcache(k: Kernel): void {
  if (k.fs.dentries > k.fs.dentryLimit) sweep(k);
}

function sweep(k: Kernel): void {
  const kept = new Set<Dentry>();
  const keep = (from: Dentry | null): void => {
    for (let d = from; d && !kept.has(d); d = d.parent) kept.add(d);
  };
  for (const mount of k.fs.mounts) {
    keep(mount.root);
    keep(mount.mountpoint);
  }
  for (const task of k.task.tasks.values()) {
    keep(task.fs?.cwd.dentry ?? null);
    keep(task.fs?.root.dentry ?? null);
    keep(task.mm?.exe?.path?.dentry ?? null);
    for (const entry of task.files?.fds ?? []) keep(entry?.file.path?.dentry ?? null);
  }
  const live = new Set<Inode>();
  const prune = (dentry: Dentry): void => {
    if (dentry.inode) live.add(dentry.inode);
    if (!dentry.children) return;
    for (const child of [...dentry.children.values()]) {
      if (kept.has(child)) prune(child);
      else {
        k.fs.dentries -= subtreeSize(child);
        dentry.children.delete(child.name);
      }
    }
    if (dentry.children.size === 0) dentry.children = null;
  };
  const roots = new Set<Dentry>();
  for (const dentry of kept) if (!dentry.parent) roots.add(dentry);
  for (const root of roots) prune(root);
  dropCleanInodes(k, live);
  k.fs.dentryLimit = Math.max(2000, k.fs.dentries * 2);
}

/** Dentries in a cached subtree. */
export function subtreeSize(dentry: Dentry): number {
  let count = 1;
  if (dentry.children) for (const child of dentry.children.values()) count += subtreeSize(child);
  return count;
}
