/**
 * StrictModes (man sshd_config; misc.c's safe_path): a key counts only where nobody but its user could have written it. Always true:
 * everything from the file up to the user's home is looked at, in sshd's order, and the first fault is what the log tells.
 * Debian lets a group write that is the user's alone.
 */
import { posix } from 'node:path';
import type { FileInfo, Host } from '../../host/types.ts';
import { fileInfo, fileText } from './guest-files.ts';

export interface Account {
  name: string;
  uid: number;
  gid: number;
  home: string;
  shell: string;
}

const MAX_LINKS = 10;

/** Who is in a group: by /etc/group and by their primary group. */
async function membersOf(host: Host, vmId: string, gid: number): Promise<string[]> {
  const [group, passwd] = await Promise.all([
    fileText(host, vmId, '/etc/group'),
    fileText(host, vmId, '/etc/passwd'),
  ]);
  const fields = (text: string | null): string[][] => text?.split('\n').map((line) => line.split(':')) ?? [];
  const listed = fields(group)
    .filter((line) => Number(line[2]) === gid)
    .flatMap((line) => line[3]?.split(',') ?? []);
  const primary = fields(passwd)
    .filter((line) => line[3] !== undefined && Number(line[3]) === gid)
    .map((line) => line[0]);
  return [...new Set([...listed, ...primary])].filter(Boolean);
}

async function secure(host: Host, vmId: string, info: FileInfo, account: Account): Promise<boolean> {
  if (info.uid !== 0 && info.uid !== account.uid) return false;
  if (info.mode & 0o002) return false;
  if ((info.mode & 0o020) === 0) return true;
  const members = await membersOf(host, vmId, info.gid);
  return members.length === 1 && members[0] === account.name;
}

/** Follows symbolic links of the last part. */
async function resolve(
  host: Host,
  vmId: string,
  path: string,
): Promise<{ path: string; info: FileInfo } | null> {
  let at = path;
  for (let links = 0; links <= MAX_LINKS; links++) {
    const info = await fileInfo(host, vmId, at);
    if (!info) return null;
    if (info.kind !== 'symlink' || info.target === undefined) return { path: at, info };
    const base = at.slice(0, at.lastIndexOf('/'));
    at = posix.resolve(base || '/', info.target);
  }
  return null;
}

/** What is wrong with a file that a user's authentication rests on: sshd's words, null when it may be trusted. */
export async function unsafePath(
  host: Host,
  vmId: string,
  path: string,
  account: Account,
): Promise<{ missing: true } | { refused: string } | null> {
  const file = await resolve(host, vmId, path);
  if (!file) return { missing: true };
  if (file.info.kind !== 'file') return { refused: `${path} is not a regular file` };
  const directories: string[] = [];
  for (let at = file.path; at.lastIndexOf('/') >= 0; ) {
    at = at.slice(0, at.lastIndexOf('/')) || '/';
    directories.push(at);
    if (at === account.home || at === '/') break;
  }
  const infos = await Promise.all(directories.map((directory) => resolve(host, vmId, directory)));
  if (!(await secure(host, vmId, file.info, account)))
    return { refused: `bad ownership or modes for file ${file.path}` };
  for (const [index, directory] of directories.entries()) {
    const info = infos[index]?.info;
    if (!info || !(await secure(host, vmId, info, account)))
      return { refused: `bad ownership or modes for directory ${directory}` };
  }
  return null;
}
