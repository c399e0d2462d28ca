/**
 * Working and root directories as tasks share them (fs_struct). Always true: each context holds one reference on the inodes of
 * its two directories.
 */
import { getInode, putInode } from '../fs/inode.ts';
import type { FsContext } from '../fs/types.ts';
import type { Kernel } from '../kernel.ts';
import type { Task } from './types.ts';

/** A copy of its own for a new process (copy_fs_struct). */
export function dupFsContext(context: FsContext): FsContext {
  if (context.cwd.dentry.inode) getInode(context.cwd.dentry.inode);
  if (context.root.dentry.inode) getInode(context.root.dentry.inode);
  return {
    users: 1,
    cwd: context.cwd,
    root: context.root,
    umask: context.umask,
  };
}

/** A task lets go of its context; the last one gives the directories back. */
export function putFsContext(k: Kernel, context: FsContext): void {
  if (--context.users > 0) return;
  if (context.cwd.dentry.inode) putInode(k, context.cwd.dentry.inode);
  if (context.root.dentry.inode) putInode(k, context.root.dentry.inode);
}

/** unshare(CLONE_FS). */
export function unshareFsContext(task: Task): void {
  if (task.fs.users <= 1) return;
  task.fs.users--;
  task.fs = dupFsContext(task.fs);
}
