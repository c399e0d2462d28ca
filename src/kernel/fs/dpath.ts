/** Names of what is held: from a dentry up through its mounts to a root (fs/d_path.c). */
import type { File, Path } from './types.ts';

/** The name of `path` as seen from `root`, or null when it does not lie below it. No " (deleted)". */
export function pathBelow(path: Path, root: Path): string | null {
  let { mnt, dentry } = path;
  const parts: string[] = [];
  for (let depth = 0; depth < 100_000; depth++) {
    if (dentry === root.dentry && mnt === root.mnt) return `/${parts.reverse().join('/')}`;
    if (dentry === mnt.root || !dentry.parent) {
      if (!mnt.parent || !mnt.mountpoint) return null;
      dentry = mnt.mountpoint;
      mnt = mnt.parent;
      continue;
    }
    parts.push(dentry.name);
    dentry = dentry.parent;
  }
  return null;
}

/** As /proc shows a path: unreachable ones begin at their own root, deleted ones say so (d_path). */
export function dPath(path: Path, root: Path): string {
  if (path.mnt.id === 0) return path.dentry.name;
  const name = pathBelow(path, root) ?? fromOwnRoot(path);
  return path.dentry.deleted ? `${name} (deleted)` : name;
}

function fromOwnRoot(path: Path): string {
  let { mnt, dentry } = path;
  const parts: string[] = [];
  for (let depth = 0; depth < 100_000; depth++) {
    if (dentry === mnt.root || !dentry.parent) {
      if (!mnt.parent || !mnt.mountpoint) break;
      dentry = mnt.mountpoint;
      mnt = mnt.parent;
      continue;
    }
    parts.push(dentry.name);
    dentry = dentry.parent;
  }
  return `/${parts.reverse().join('/')}`;
}

/** What /proc/PID/fd/N and maps call an open file: its path, or `pipe:[7]`, `anon_inode:[eventpoll]`. */
export const fileName = (file: File, root: Path): string => (file.path ? dPath(file.path, root) : file.label);
