/** llseek helpers, and what else a driver calls on its open file (fs/read_write.c, fs/libfs.c). */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import type { Task } from '../task/types.ts';
import { getField, int, pointerField, setField } from './access.ts';
import { kapi } from './registry.ts';

const FMODE_SEEK = 4 | 8 | 16;

/** SEEK_SET, SEEK_CUR, SEEK_END; a position below 0 or above `max` is -EINVAL. */
function seekTo(
  k: Kernel,
  task: Task,
  filp: number,
  offset: number,
  whence: number,
  size: number,
  max: number,
): number {
  const pos = pointerField(k, task, 'file', filp, 'f_pos');
  if (pos === null) return 0;
  const from = [0, pos, size][int(whence)];
  if (from === undefined) return -Errno.EINVAL;
  const at = from + offset;
  if (at < 0 || at > max) return -Errno.EINVAL;
  setField(k, 'file', filp, 'f_pos', at);
  return at;
}
function sizeOfFile(k: Kernel, filp: number): number {
  const inode = getField(k, 'file', filp, 'f_inode') ?? 0;
  return getField(k, 'inode', inode, 'i_size') ?? 0;
}
for (const name of ['default_llseek', 'generic_file_llseek'])
  kapi(name, (k, task, [filp, offset, whence]) =>
    seekTo(k, task, filp, offset, whence, sizeOfFile(k, filp), Number.MAX_SAFE_INTEGER),
  );
kapi('fixed_size_llseek', (k, task, [filp, offset, whence, size]) =>
  seekTo(k, task, filp, offset, whence, size, size),
);
kapi('no_llseek', () => -Errno.ESPIPE);
kapi('noop_llseek', (k, _task, [filp]) => getField(k, 'file', filp, 'f_pos') ?? 0);
for (const name of ['nonseekable_open', 'stream_open'])
  kapi(name, (k, _task, [, filp]) => {
    setField(k, 'file', filp, 'f_mode', (getField(k, 'file', filp, 'f_mode') ?? 0) & ~FMODE_SEEK);
    return 0;
  });
kapi('simple_open', (k, _task, [inode, filp]) => {
  const data = getField(k, 'inode', inode, 'i_private') ?? 0;
  if (data !== 0) setField(k, 'file', filp, 'private_data', data);
  return 0;
});
