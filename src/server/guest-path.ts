/** Paths of a machine's files as they come in an address. Always true: what passes is absolute, normal and never climbs. */
import { Problem } from './problem.ts';

const PATH_MAX = 4096;
const NAME_MAX = 255;

/** The path after `/files/`, checked. The machine is a jail in itself; this refuses what was meant to leave it. */
export function guestPath(rest: string): string {
  const parts = rest.split('/').filter((part) => part !== '' && part !== '.');
  const path = `/${parts.join('/')}`;
  if (parts.includes('..')) throw new Problem('bad-path', 'The path must not contain `..`.');
  if (path.includes('\0')) throw new Problem('bad-path', 'A path cannot contain NUL.');
  if (Buffer.byteLength(path) >= PATH_MAX)
    throw new Problem('bad-path', `A path has less than ${PATH_MAX} bytes.`);
  if (parts.some((part) => Buffer.byteLength(part) > NAME_MAX))
    throw new Problem('bad-path', `A name has at most ${NAME_MAX} bytes.`);
  return path;
}
