/** The line that `ls -l` would print, which version 3 sends along with each name (ls_file of OpenSSH's sftp-common.c). */
import { isDir, isLink, S } from '../../kernel/fs/flags.ts';
import type { Inode } from '../../kernel/fs/types.ts';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
/** Older than half a year, or of the future: the year in place of the time. */
const RECENT_SEC = (365 * 24 * 60 * 60) / 2;

/** strmode(3). */
function modeText(mode: number): string {
  const bits = [...'rwxrwxrwx'].map((letter, i) => (mode & (0o400 >> i) ? letter : '-'));
  const special = (at: number, set: number, letter: string): void => {
    if (mode & set) bits[at] = bits[at] === 'x' ? letter : letter.toUpperCase();
  };
  special(2, 0o4000, 's');
  special(5, 0o2000, 's');
  special(8, 0o1000, 't');
  const kinds: Record<number, string> = {
    [S.IFCHR]: 'c',
    [S.IFBLK]: 'b',
    [S.IFIFO]: 'p',
    [S.IFSOCK]: 's',
  };
  const kind = isDir(mode) ? 'd' : isLink(mode) ? 'l' : (kinds[mode & S.IFMT] ?? '-');
  return `${kind}${bits.join('')} `;
}

export function longName(name: string, inode: Inode, nowSec = Date.now() / 1000): string {
  const date = new Date(inode.mtime.sec * 1000);
  const two = (value: number, fill = '0'): string => String(value).padStart(2, fill);
  const day = `${MONTHS[date.getUTCMonth()]} ${two(date.getUTCDate(), ' ')}`;
  const recent = inode.mtime.sec <= nowSec + 60 && nowSec - inode.mtime.sec < RECENT_SEC;
  const when = recent
    ? `${day} ${two(date.getUTCHours())}:${two(date.getUTCMinutes())}`
    : `${day}  ${date.getUTCFullYear()}`;
  const owner = [inode.uid, inode.gid].map((id) => String(id).padEnd(8)).join(' ');
  return `${modeText(inode.mode)} ${String(inode.nlink).padStart(3)} ${owner} ${String(inode.size).padStart(8)} ${when} ${name}`;
}
