/** Attributes of sysfs: one value a file, 4096 bytes by the look of it, access by the mode bits even for root (fs/kernfs). */
import { Errno } from '../../abi/errno.ts';
import type { Kernel } from '../../kernel.ts';
import { type DirNode, dir, type FileNode, file, type KernfsNode } from '../kernfs.ts';

const PAGE = 4096;

/** A directory of sysfs. */
export const group = (children: Record<string, KernfsNode> = {}, options: Partial<DirNode> = {}): DirNode =>
  dir(children, { mode: 0o755, ...options });

/** An attribute that is read; writable when `options.store` is given and the mode says so. */
export const attribute = (show: FileNode['show'], options: Partial<FileNode> = {}): FileNode =>
  file(show, { size: PAGE, strict: true, mode: options.store ? 0o644 : 0o444, ...options });

/** An attribute with a fixed text. */
export const constant = (text: string, mode = 0o444): FileNode => attribute(() => text, { mode });

/** An attribute that is only written. */
export const trigger = (store: FileNode['store']): FileNode =>
  file(undefined, { size: PAGE, strict: true, mode: 0o200, store });

/** What may be written to a `uevent` file (kobject_synth_uevent). */
const actions = ['add', 'remove', 'change', 'move', 'online', 'offline', 'bind', 'unbind'];

/** Takes the name of an action and makes an event of it. */
export const storeUevent: NonNullable<FileNode['store']> = (k, _task, _ctx, text) => {
  const word = text.split(/[\s\0]/, 1)[0];
  if (!actions.includes(word)) return -Errno.EINVAL;
  k.drivers.ueventSeq++;
  return text.length;
};

export const ueventTrigger = trigger(storeUevent);

/** Runtime power management of a device that has none (drivers/base/power/sysfs.c). */
export const powerGroup = group({
  async: constant('disabled\n', 0o644),
  autosuspend_delay_ms: attribute(() => -Errno.EIO, { mode: 0o644 }),
  control: constant('auto\n', 0o644),
  runtime_active_kids: constant('0\n'),
  runtime_active_time: constant('0\n'),
  runtime_enabled: constant('disabled\n'),
  runtime_status: constant('unsupported\n'),
  runtime_suspended_time: constant('0\n'),
  runtime_usage: constant('0\n'),
});

/** A boolean or other parameter of a built-in module, kept in `k.sysctl` under `module.NAME.PARAMETER` once changed. */
export function parameter(module: string, name: string, initial: string, mode = 0o644): FileNode {
  const key = `module.${module}.${name}`;
  const isBool = initial === 'Y' || initial === 'N';
  return attribute((k: Kernel) => `${k.sysctl[key] ?? initial}\n`, {
    mode,
    store:
      (mode & 0o222) === 0
        ? undefined
        : (k, _task, _ctx, text) => {
            const value = text.trim();
            if (isBool && !/^[yYnN01]$/.test(value)) return -Errno.EINVAL;
            if (!isBool && !/^-?\d{1,10}$/.test(value)) return -Errno.EINVAL;
            k.sysctl[key] = isBool ? (/^[yY1]$/.test(value) ? 'Y' : 'N') : value;
            return text.length;
          },
  });
}
