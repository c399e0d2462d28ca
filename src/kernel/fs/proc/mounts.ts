/** /proc/PID/mounts, mountinfo and mountstats (fs/proc_namespace.c of 4.15). */
import type { Kernel } from '../../kernel.ts';
import type { Task } from '../../task/types.ts';
import { pathBelow } from '../dpath.ts';
import type { NodeContext } from '../kernfs.ts';
import type { Mount, Path } from '../types.ts';
import { deviceNumber, mangle } from './format.ts';

const BLANKS = ' \t\n\\';
const quoted = (text: string): string => mangle(text, `${BLANKS}#`);

/** MS_* flags that are shown, in Linux's order. */
const sbFlags: [number, string][] = [
  [16, 'sync'],
  [128, 'dirsync'],
  [64, 'mand'],
  [1 << 25, 'lazytime'],
];
const mountFlags: [number, string][] = [
  [2, 'nosuid'],
  [4, 'nodev'],
  [8, 'noexec'],
  [1024, 'noatime'],
  [2048, 'nodiratime'],
  [1 << 21, 'relatime'],
];

const words = (table: [number, string][], flags: number): string =>
  table
    .filter(([bit]) => flags & bit)
    .map(([, word]) => `,${word}`)
    .join('');

const ownOptions = (mount: Mount): string => (mount.options === '' ? '' : `,${mount.options}`);

/** Visible mounts with the path of each mount point as seen from `root`. */
function visible(k: Kernel, root: Path): { mount: Mount; path: string }[] {
  const found: { mount: Mount; path: string }[] = [];
  for (const mount of k.fs.mounts) {
    const path = pathBelow({ mnt: mount, dentry: mount.root }, root);
    if (path !== null) found.push({ mount, path });
  }
  return found;
}

export const showMounts = (k: Kernel, target: Task, ctx: NodeContext): string =>
  visible(k, (ctx.task ?? target).fs.root)
    .map(({ mount, path }) => {
      const ro = (mount.flags | mount.sb.flags) & 1 ? 'ro' : 'rw';
      const options = `${ro}${words(sbFlags, mount.sb.flags)}${words(mountFlags, mount.flags)}${ownOptions(mount)}`;
      return `${quoted(mount.source)} ${mangle(path)} ${mount.sb.type} ${options} 0 0\n`;
    })
    .join('');

export const showMountinfo = (k: Kernel, target: Task, ctx: NodeContext): string =>
  visible(k, (ctx.task ?? target).fs.root)
    .map(({ mount, path }) => {
      const names: string[] = [];
      for (let d = mount.root; d.parent; d = d.parent) names.unshift(d.name);
      const options = `${mount.flags & 1 ? 'ro' : 'rw'}${words(mountFlags, mount.flags)}`;
      const superOptions = `${mount.sb.flags & 1 ? 'ro' : 'rw'}${words(sbFlags, mount.sb.flags)}${ownOptions(mount)}`;
      const ids = `${mount.id} ${mount.parent?.id ?? 0} ${deviceNumber(mount.sb.dev)}`;
      const where = `${mangle(`/${names.join('/')}`)} ${mangle(path)}`;
      return `${ids} ${where} ${options} - ${mount.sb.type} ${quoted(mount.source)} ${superOptions}\n`;
    })
    .join('');

export const showMountstats = (k: Kernel, target: Task, ctx: NodeContext): string =>
  visible(k, (ctx.task ?? target).fs.root)
    .map(
      ({ mount, path }) =>
        `device ${quoted(mount.source)} mounted on ${mangle(path)} with fstype ${mount.sb.type}\n`,
    )
    .join('');
