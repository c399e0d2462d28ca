/** The task that a file below /proc/PID is about, and who may look at it (fs/proc/base.c). */
import { Errno } from '../../abi/errno.ts';
import type { Kernel } from '../../kernel.ts';
import { mayTrace } from '../../task/cred.ts';
import type { Task } from '../../task/types.ts';
import { type FileNode, file, type LinkNode, link, type NodeContext } from '../kernfs.ts';
import type { Path } from '../types.ts';

/** The task named by the directory; resolve() has checked that it is the same one as before. */
export const targetOf = (k: Kernel, ctx: NodeContext): Task | null =>
  k.task.tasks.get(ctx.params.tid) ?? null;

/** Whether the directory is that of a process, not of a thread below task/. */
export const isWhole = (ctx: NodeContext): boolean => ctx.params.thread !== true;

/** Whether who asks may see what is private to the task. The kernel itself may. */
export const maySee = (ctx: NodeContext, target: Task): boolean =>
  ctx.task === null || mayTrace(ctx.task, target);

/** Owner of a task's files (task_dump_owner): its effective ids, root when it is not dumpable. */
export function ownerOf(k: Kernel, ctx: NodeContext): { uid: number; gid: number } {
  const target = targetOf(k, ctx);
  if (!target || (!target.group.dumpable && target.mm)) return { uid: 0, gid: 0 };
  return { uid: target.cred.euid, gid: target.cred.egid };
}

/** Owner of the directory /proc/PID itself: always the effective ids. */
export function dirOwner(k: Kernel, ctx: NodeContext): { uid: number; gid: number } {
  const target = targetOf(k, ctx);
  return target ? { uid: target.cred.euid, gid: target.cred.egid } : { uid: 0, gid: 0 };
}

export const birth = (k: Kernel, ctx: NodeContext): number => targetOf(k, ctx)?.startNs ?? 0;

/** What each node below /proc/PID has in common. */
export const common = { owner: ownerOf, timeNs: birth } as const;

/** A file about a task. */
export const taskFile = (
  show: (k: Kernel, target: Task, ctx: NodeContext) => string | number,
  options: Partial<FileNode> = {},
): FileNode =>
  file(
    (k, ctx) => {
      const target = targetOf(k, ctx);
      return target ? show(k, target, ctx) : -Errno.ESRCH;
    },
    { ...common, ...options },
  );

/** Refuses the open to who may not trace the task. */
export const privateCheck = (k: Kernel, _task: Task, ctx: NodeContext): number => {
  const target = targetOf(k, ctx);
  if (!target) return -Errno.ESRCH;
  return maySee(ctx, target) ? 0 : -Errno.EACCES;
};

/** A magic link about a task: its text and where it leads, both only for who may trace it. */
export const taskLink = (
  find: (k: Kernel, target: Task, ctx: NodeContext) => { text: string; path: Path } | number,
  options: Partial<LinkNode> = {},
): LinkNode => {
  const look = (k: Kernel, ctx: NodeContext): { text: string; path: Path } | number => {
    const target = targetOf(k, ctx);
    if (!target) return -Errno.ESRCH;
    return maySee(ctx, target) ? find(k, target, ctx) : -Errno.EACCES;
  };
  return link(
    (k, ctx) => {
      const found = look(k, ctx);
      return typeof found === 'number' ? found : found.text;
    },
    {
      follow(k, ctx) {
        const found = look(k, ctx);
        return typeof found === 'number' ? found : found.path;
      },
      ...common,
      ...options,
    },
  );
};
