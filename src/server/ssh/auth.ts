/**
 * Who may come in: public keys registered with the lab, keys on the machine's own disk, passwords where the course allows them.
 * Always true: the rules are sshd's, in sshd's order, over the machine's files as they are now; a key is accepted only with a
 * signature over this connection's session.
 */
import type { Host } from '../../host/types.ts';
import type { Lab, Principal, VmRecord } from '../../lab/types.ts';
import {
  type AuthorizedKey,
  freeKey,
  type KeyOptions,
  matchAddress,
  parseAuthorizedKeys,
} from './authorized-keys.ts';
import { fileText } from './guest-files.ts';
import { matches, type SshdConfig } from './sshd-config.ts';
import { type Account, unsafePath } from './strict-modes.ts';

export type SshLab = Pick<
  Lab,
  'vms' | 'keypairs' | 'auth' | 'courses' | 'audit' | 'terminalSessions' | 'may'
>;

/** What a key or password opened. */
export interface Admission {
  options: KeyOptions;
  /** The lab's person, when the key is registered. */
  principal: Principal | null;
  /** Where the key was found, for the log. */
  found: string;
}

/** The account that a connection is about; `null` account: the machine has no such user. */
export interface Candidate {
  vm: VmRecord;
  user: string;
  account: Account | null;
  config: SshdConfig;
  address: string;
}

/** Account keys of the lab open the accounts of people, not of root and daemons. */
const FIRST_PERSON_UID = 1000;
const NOBODY_UID = 65534;
const PASSWORD_CHECK = '/usr/sbin/unix_chkpwd';
const PASSWORD_BYTES = 512;

/** Why an account may not log in whatever it shows: sshd's words, null when it may. */
export async function accountRefusal(host: Host, candidate: Candidate): Promise<string | null> {
  const { vm, user, account, config, address } = candidate;
  if (!account) return `Invalid user ${user} from ${address}`;
  const named = (pattern: string): boolean => {
    const at = pattern.lastIndexOf('@');
    if (at < 0) return matches(pattern, user);
    return matches(pattern.slice(0, at), user) && matchAddress(address, pattern.slice(at + 1));
  };
  if (config.denyUsers.some(named))
    return `User ${user} from ${address} not allowed because listed in DenyUsers`;
  if (config.allowUsers && !config.allowUsers.some(named))
    return `User ${user} from ${address} not allowed because not listed in AllowUsers`;
  const shell = account.shell || '/bin/sh';
  const info = await host.stat(vm.id, shell).catch(() => null);
  if (!info) return `User ${user} not allowed because shell ${shell} does not exist`;
  if (info.kind === 'file' && (info.mode & 0o111) === 0)
    return `User ${user} not allowed because shell ${shell} is not executable`;
  if (account.uid === 0 && config.permitRootLogin === 'no') return `ROOT LOGIN REFUSED FROM ${address}`;
  return null;
}

/** A key of the lab's people: its owner may use the machine. */
async function registeredKey(lab: SshLab, candidate: Candidate, blob: Buffer): Promise<Admission | null> {
  const { account, vm } = candidate;
  if (!account || account.uid < FIRST_PERSON_UID || account.uid >= NOBODY_UID) return null;
  const owner = await lab.keypairs.ownerOf(blob);
  if (!owner) return null;
  const principal = await lab.auth.principalOf(owner.id);
  if (!(await lab.may(principal, 'vm.use', vm))) return null;
  return { options: freeKey(), principal, found: `the lab's keys of ${owner.login}` };
}

/** Where `AuthorizedKeysFile` points for an account: `%h`, `%u`, `%U`, `%%`, relative to the home. */
function keysPath(pattern: string, account: Account): string {
  const values: Record<string, string> = {
    h: account.home,
    u: account.name,
    U: String(account.uid),
    '%': '%',
  };
  const path = pattern.replaceAll(/%([huU%])/g, (_, letter: string) => values[letter]);
  return path.startsWith('/') ? path : `${account.home.replace(/\/$/, '')}/${path}`;
}

/** A key that the account's own files list. `tell` gets what sshd logs on the way. */
async function listedKey(
  host: Host,
  candidate: Candidate,
  blob: Buffer,
  tell: (text: string) => void,
): Promise<Admission | null> {
  const { account, config, vm, address } = candidate;
  if (!account) return null;
  for (const pattern of config.authorizedKeysFiles) {
    const path = keysPath(pattern, account);
    const unsafe = config.strictModes ? await unsafePath(host, vm.id, path, account) : null;
    if (unsafe && 'missing' in unsafe) continue;
    if (unsafe) {
      tell(`Authentication refused: ${unsafe.refused}`);
      continue;
    }
    const text = await fileText(host, vm.id, path);
    const keys = text === null ? [] : parseAuthorizedKeys(text);
    for (const key of keys) {
      if (!key.blob.equals(blob)) continue;
      const refused = keyRefusal(key, account.name, address, `${path}:${key.line}`);
      if (!refused) return { options: key.options, principal: null, found: `${path}:${key.line}` };
      tell(refused);
    }
  }
  return null;
}

/** Why the right key does not open: `from` and `expiry-time` (auth-options, auth.c's auth_authorise_keyopts). */
function keyRefusal({ options }: AuthorizedKey, user: string, address: string, where: string): string | null {
  if (options.expiresMs !== null && options.expiresMs < Date.now())
    return `${where}: entry expired at ${new Date(options.expiresMs).toISOString().slice(0, 19)}`;
  if (options.from !== null && !matchAddress(address, options.from))
    return `Authentication tried for ${user} with correct key but not from a permitted host (host=${address}, ip=${address}, required=${options.from}).`;
  return null;
}

/** Whether a public key opens the account; the signature is the caller's to check. */
export async function admitKey(
  host: Host,
  lab: SshLab,
  candidate: Candidate,
  blob: Buffer,
  tell: (text: string) => void,
): Promise<Admission | null> {
  const { account, config } = candidate;
  if (!account || !config.pubkeyAuthentication) return null;
  const admission =
    (await registeredKey(lab, candidate, blob)) ?? (await listedKey(host, candidate, blob, tell));
  if (!admission || account.uid !== 0 || config.permitRootLogin !== 'forced-commands-only') return admission;
  return admission.options.command === null ? null : admission;
}

/** Whether passwords are asked for at all: the course's choice, then the machine's. */
export async function passwordsAllowed(lab: SshLab, candidate: Candidate): Promise<boolean> {
  if (!candidate.config.passwordAuthentication) return false;
  const { settings } = await lab.courses.get(candidate.vm.courseId);
  return settings.sshPasswords;
}

/** The last password check of each machine: hashing one costs seconds of a guest's time, which is not for strangers to multiply. */
const checks = new Map<string, Promise<unknown>>();

async function oneAtATime<T>(vmId: string, work: () => Promise<T>): Promise<T> {
  const before = checks.get(vmId) ?? Promise.resolve();
  const mine = before.then(work, work);
  const settled = mine.then(
    () => undefined,
    () => undefined,
  );
  checks.set(vmId, settled);
  try {
    return await mine;
  } finally {
    if (checks.get(vmId) === settled) checks.delete(vmId);
  }
}

/** Checks a password against the machine's /etc/shadow, with the program that its own PAM uses (man 8 unix_chkpwd). */
export async function admitPassword(
  host: Host,
  candidate: Candidate,
  password: string,
): Promise<Admission | null> {
  const { vm, account, config } = candidate;
  const bytes = Buffer.from(password);
  if (!account || bytes.length > PASSWORD_BYTES || bytes.includes(0)) return null;
  if (account.uid === 0 && config.permitRootLogin !== 'yes') return null;
  const nulls = config.permitEmptyPasswords ? 'nullok' : 'nonull';
  const { outcome, exitCode } = await oneAtATime(vm.id, () =>
    host.exec(vm.id, {
      argv: [PASSWORD_CHECK, account.name, nulls],
      stdin: Buffer.concat([bytes, Buffer.from([0])]),
      budget: { instructions: 20e9, virtualSeconds: 60, outputBytes: 4096 },
    }),
  );
  return outcome === 'exited' && exitCode === 0
    ? { options: freeKey(), principal: null, found: 'password' }
    : null;
}
