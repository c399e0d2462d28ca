/** Anonymous files: memfd_create(2). Content is guest memory on an internal tmpfs; nothing names it. */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import type { Task } from '../task/types.ts';
import { newDentry } from './dcache.ts';
import { installOrPut, newFile } from './file.ts';
import { O, S } from './flags.ts';
import { SEAL } from './regular.ts';
import { unnamedInode } from './treefs.ts';

const MFD = {
  CLOEXEC: 1,
  ALLOW_SEALING: 2,
  HUGETLB: 4,
  NOEXEC_SEAL: 8,
  EXEC: 16,
} as const;

/** A descriptor of a new anonymous file. */
export function newMemfd(k: Kernel, task: Task, name: string, flags: number): number {
  if ((flags & ~31) !== 0) return -Errno.EINVAL;
  if ((flags & MFD.HUGETLB) !== 0) return -Errno.ENOSYS;
  const { fsuid: uid, fsgid: gid } = task.cred;
  const inode = unnamedInode(k, k.fs.shmfs, {
    mode: S.IFREG | 0o777,
    uid,
    gid,
  });
  if (typeof inode === 'number') return inode;
  inode.data = { seals: (flags & MFD.ALLOW_SEALING) !== 0 ? 0 : SEAL.SEAL };
  const dentry = newDentry(`/memfd:${name} (deleted)`, null, inode);
  const path = { mnt: k.fs.anonMount, dentry };
  const file = newFile(k, {
    kind: 'regular',
    inode,
    flags: O.RDWR | O.LARGEFILE,
    path,
    uid,
  });
  return installOrPut(k, task, file, (flags & MFD.CLOEXEC) !== 0);
}
