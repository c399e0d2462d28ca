/** Who may log in to a VM: its own /etc/passwd and /etc/group, read from its disk as it is now. */
import { readHostFile } from '../kernel/fs/host.ts';
import type { Kernel } from '../kernel/kernel.ts';

/** A line of /etc/passwd with the groups of /etc/group that list the user. */
export interface User {
  name: string;
  uid: number;
  gid: number;
  groups: number[];
  home: string;
  shell: string;
}

/** Fields of each line of a colon-separated file; an unreadable file has none. */
function records(k: Kernel, path: string): string[][] {
  const bytes = readHostFile(k, path);
  if (typeof bytes === 'number') return [];
  return Buffer.from(bytes)
    .toString('latin1')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(':'));
}

/** The user of that name, or null. */
export function findUser(k: Kernel, name: string): User | null {
  const fields = records(k, '/etc/passwd').find((record) => record[0] === name);
  if (!fields) return null;
  const gid = Number(fields[3]);
  const groups = records(k, '/etc/group')
    .filter((record) => record[3]?.split(',').includes(name))
    .map((record) => Number(record[2]));
  return {
    name,
    uid: Number(fields[2]),
    gid,
    groups: [...new Set([gid, ...groups])],
    home: fields[5] || '/',
    shell: fields[6] || '/bin/sh',
  };
}
