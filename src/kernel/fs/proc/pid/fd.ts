/** /proc/PID/fd and fdinfo, cwd, root, exe and ns: links that lead to objects (fs/proc/fd.c, namespaces.c). */
import { Errno } from '../../../abi/errno.ts';
import type { Kernel } from '../../../kernel.ts';
import type { Task } from '../../../task/types.ts';
import { dPath, fileName } from '../../dpath.ts';
import { newInode } from '../../inode.ts';
import { type DirNode, dir, type KernfsNode } from '../../kernfs.ts';
import { pathOfFile } from '../../namei.ts';
import { opsOf } from '../../ops.ts';
import type { File, Path } from '../../types.ts';
import { common, maySee, targetOf, taskFile, taskLink } from '../target.ts';

const fileAt = (target: Task, fd: unknown): File | null => target.files?.fds[fd as number]?.file ?? null;

const fdLink: KernfsNode = taskLink(
  (k, target, ctx) => {
    const open = fileAt(target, ctx.params.fd);
    if (!open) return -Errno.ENOENT;
    return { text: fileName(open, (ctx.task ?? target).fs.root), path: pathOfFile(k, open) };
  },
  {
    size: 64,
    modeOf(k, ctx) {
      const target = targetOf(k, ctx);
      const open = target ? fileAt(target, ctx.params.fd) : null;
      const access = (open?.flags ?? 0) & 3;
      return 0o100 | (access === 1 ? 0 : 0o400) | (access === 0 ? 0 : 0o200);
    },
  },
);

/** Lines of fdinfo that every file has (seq_show of fs/proc/fd.c). */
function showFdinfo(k: Kernel, target: Task, fd: unknown): string | number {
  const entry = target.files?.fds[fd as number];
  if (!entry) return -Errno.ENOENT;
  const { file } = entry;
  const flags = file.flags | (entry.cloexec ? 0o2000000 : 0);
  const extra = opsOf(file).fdinfo?.(k, file) ?? '';
  return `pos:\t${file.pos}\nflags:\t0${flags.toString(8)}\nmnt_id:\t${file.path?.mnt.id ?? 9}\n${extra}`;
}

const fdinfoFile: KernfsNode = taskFile((k, target, ctx) => showFdinfo(k, target, ctx.params.fd), {
  mode: 0o400,
});

/** A directory with an entry for each open descriptor. */
const descriptorDir = (node: KernfsNode): DirNode => ({
  type: 'dir',
  mode: 0o500,
  children: new Map(),
  ...common,
  check(k, ctx) {
    const target = targetOf(k, ctx);
    if (!target) return -Errno.ENOENT;
    return maySee(ctx, target) ? 0 : -Errno.EACCES;
  },
  *list(k, ctx) {
    const fds = targetOf(k, ctx)?.files?.fds ?? [];
    for (let fd = 0; fd < fds.length; fd++) if (fds[fd]) yield [String(fd), node] as [string, KernfsNode];
  },
  find(k, ctx, name) {
    if (!/^(0|[1-9][0-9]{0,8})$/.test(name)) return null;
    const target = targetOf(k, ctx);
    return target && fileAt(target, Number(name)) ? { node, params: { fd: Number(name) } } : null;
  },
});

export const fdDir = descriptorDir(fdLink);
export const fdinfoDir = descriptorDir(fdinfoFile);

const toPath = (find: (target: Task) => Path | null): KernfsNode =>
  taskLink((_k, target, ctx) => {
    const path = find(target);
    return path ? { text: dPath(path, (ctx.task ?? target).fs.root), path } : -Errno.ENOENT;
  });

export const cwdLink = toPath((target) => (target.state === 'zombie' ? null : (target.fs?.cwd ?? null)));
export const rootLink = toPath((target) => (target.state === 'zombie' ? null : (target.fs?.root ?? null)));
export const exeLink = toPath((target) => target.mm?.exe?.path ?? null);

/** The initial name spaces and their inode numbers (include/linux/proc_ns.h). */
const namespaces: Record<string, [string, number]> = {
  cgroup: ['cgroup', 4026531835],
  ipc: ['ipc', 4026531839],
  mnt: ['mnt', 4026531840],
  net: ['net', 4026531992],
  pid: ['pid', 4026531836],
  pid_for_children: ['pid', 4026531836],
  user: ['user', 4026531837],
  uts: ['uts', 4026531838],
};

const nsLink = (type: string, ino: number): KernfsNode =>
  taskLink((k) => {
    const inode = newInode(k, k.fs.anonfs, { ino, mode: 0o100444 });
    const label = `${type}:[${ino}]`;
    return { text: label, path: pathOfFile(k, { path: null, inode, label }) };
  });

export const nsDir = dir(
  Object.fromEntries(Object.entries(namespaces).map(([name, [type, ino]]) => [name, nsLink(type, ino)])),
  { mode: 0o511, ...common },
);
