/**
 * Which account of which machine a client means, and how the keys of a machine are read. Always true: what a name means is worked
 * out once for a connection; what lies on the disk is read as it is at that moment.
 */

import ssh2 from 'ssh2';
import type { Host } from '../../host/types.ts';
import { fileText } from './guest-files.ts';
import type { SshdConfig } from './sshd-config.ts';

/** `student%anil-vm.os-2026`: the account, the machine, its course. */
export interface LoginName {
  user: string;
  vm: string | null;
  course: string | null;
}

/** Takes a login name apart: `USER`, `USER%VM` or `USER%VM.COURSE`. */
export function parseLoginName(text: string): LoginName {
  const percent = text.lastIndexOf('%');
  if (percent < 0) return { user: text, vm: null, course: null };
  const [, vm, course] = /^([^.]*)(?:\.(.*))?$/.exec(text.slice(percent + 1)) ?? [];
  return { user: text.slice(0, percent), vm: vm || null, course: course || null };
}

const DEFAULT_KEYS = ['ed25519', 'ecdsa', 'rsa'].map((type) => `/etc/ssh/ssh_host_${type}_key`);

/** A private key, as the text of its file. */
export type HostKey = string;

/** Which texts are usable private keys, the latest few: machines come back with the same ones. */
const known = new Map<string, boolean>();
const MAX_KNOWN = 1000;

function isHostKey(text: string): boolean {
  let usable = known.get(text);
  if (usable !== undefined) return usable;
  try {
    const answer = ssh2.utils.parseKey(text) as ssh2.ParsedKey | ssh2.ParsedKey[] | Error;
    const key = Array.isArray(answer) ? answer[0] : answer;
    usable = !(key instanceof Error) && key?.isPrivateKey() === true;
  } catch {
    usable = false;
  }
  known.set(text, usable);
  if (known.size > MAX_KNOWN) known.delete(known.keys().next().value as string);
  return usable;
}

/** The host keys on the machine's disk; those that cannot be used are left out, as sshd does with a message. */
export async function readHostKeys(host: Host, vmId: string, config: SshdConfig): Promise<HostKey[]> {
  const paths = config.hostKeys ?? DEFAULT_KEYS;
  const texts = await Promise.all(paths.slice(0, 8).map((path) => fileText(host, vmId, path)));
  return texts.filter((text) => text !== null && isHostKey(text)) as HostKey[];
}
