/**
 * Credentials and their changes (kernel/sys.c, security/commoncap.c). Always true: a Cred is immutable; a change makes a new
 * one, so tasks share them freely. Every function of the set*id family answers the new Cred or -errno.
 */
import { Errno } from '../abi/errno.ts';
import { ALL_CAPS, CAP, capable, FS_CAPS, Secbit } from './capability.ts';
import type { Cred, Task } from './types.ts';

/** uid and gid of "leave unchanged", after narrowing to u32. */
const UNCHANGED = 0xffffffff;
const NGROUPS_MAX = 65536;

/** Root with every capability. */
export const rootCred: Cred = {
  uid: 0,
  euid: 0,
  suid: 0,
  fsuid: 0,
  gid: 0,
  egid: 0,
  sgid: 0,
  fsgid: 0,
  groups: [],
  capEffective: ALL_CAPS,
  capPermitted: ALL_CAPS,
  capInheritable: 0n,
  capBounding: ALL_CAPS,
  capAmbient: 0n,
  securebits: 0,
  noNewPrivs: false,
};

/** Credentials of an ordinary user, as login makes them. */
export const userCred = (uid: number, gid: number, groups: readonly number[] = []): Cred => ({
  ...rootCred,
  uid,
  euid: uid,
  suid: uid,
  fsuid: uid,
  gid,
  egid: gid,
  sgid: gid,
  fsgid: gid,
  groups,
  capEffective: uid === 0 ? ALL_CAPS : 0n,
  capPermitted: uid === 0 ? ALL_CAPS : 0n,
});

export const inGroup = (cred: Cred, gid: number): boolean => cred.fsgid === gid || cred.groups.includes(gid);
export const inEgroup = (cred: Cred, gid: number): boolean => cred.egid === gid || cred.groups.includes(gid);

/** The caller's real ids equal all of the target's: prlimit and ptrace. */
export const sameOwner = (caller: Cred, target: Cred): boolean =>
  caller.uid === target.uid &&
  caller.uid === target.euid &&
  caller.uid === target.suid &&
  caller.gid === target.gid &&
  caller.gid === target.egid &&
  caller.gid === target.sgid;

/** Gives a task new credentials; ids that changed make the process undumpable as commit_creds does. */
export function commitCred(task: Task, cred: Cred): number {
  const old = task.cred;
  if (
    old.euid !== cred.euid ||
    old.egid !== cred.egid ||
    old.fsuid !== cred.fsuid ||
    old.fsgid !== cred.fsgid
  ) {
    task.group.dumpable = false;
    task.pdeathSignal = 0;
  }
  task.cred = cred;
  return 0;
}

/** What happens to capability sets when user ids change (cap_emulate_setxuid). */
function fixCaps(old: Cred, cred: Cred): Cred {
  if (cred.securebits & Secbit.NO_SETUID_FIXUP) return cred;
  let { capEffective, capPermitted, capAmbient } = cred;
  const hadRoot = old.uid === 0 || old.euid === 0 || old.suid === 0;
  const hasRoot = cred.uid === 0 || cred.euid === 0 || cred.suid === 0;
  if (hadRoot && !hasRoot) {
    if (!(cred.securebits & Secbit.KEEP_CAPS)) {
      capPermitted = 0n;
      capEffective = 0n;
    }
    capAmbient = 0n;
  }
  if (old.euid === 0 && cred.euid !== 0) capEffective = 0n;
  if (old.euid !== 0 && cred.euid === 0) capEffective = capPermitted;
  return { ...cred, capEffective, capPermitted, capAmbient };
}

export function setUid(cred: Cred, uid: number): Cred | number {
  if (uid === UNCHANGED) return -Errno.EINVAL;
  if (capable(cred, CAP.SETUID)) return fixCaps(cred, { ...cred, uid, suid: uid, euid: uid, fsuid: uid });
  if (uid !== cred.uid && uid !== cred.suid) return -Errno.EPERM;
  return fixCaps(cred, { ...cred, euid: uid, fsuid: uid });
}

export function setReuid(cred: Cred, ruid: number, euid: number): Cred | number {
  const privileged = capable(cred, CAP.SETUID);
  let { uid, euid: effective, suid } = cred;
  if (ruid !== UNCHANGED) {
    if (!privileged && ruid !== cred.uid && ruid !== cred.euid) return -Errno.EPERM;
    uid = ruid;
  }
  if (euid !== UNCHANGED) {
    if (!privileged && euid !== cred.uid && euid !== cred.euid && euid !== cred.suid) return -Errno.EPERM;
    effective = euid;
  }
  if (ruid !== UNCHANGED || (euid !== UNCHANGED && euid !== cred.uid)) suid = effective;
  return fixCaps(cred, {
    ...cred,
    uid,
    euid: effective,
    suid,
    fsuid: effective,
  });
}

export function setResuid(cred: Cred, ruid: number, euid: number, suid: number): Cred | number {
  const allowed = (id: number): boolean =>
    id === UNCHANGED || id === cred.uid || id === cred.euid || id === cred.suid;
  if (!capable(cred, CAP.SETUID) && !(allowed(ruid) && allowed(euid) && allowed(suid))) return -Errno.EPERM;
  const effective = euid === UNCHANGED ? cred.euid : euid;
  return fixCaps(cred, {
    ...cred,
    uid: ruid === UNCHANGED ? cred.uid : ruid,
    euid: effective,
    suid: suid === UNCHANGED ? cred.suid : suid,
    fsuid: effective,
  });
}

export function setGid(cred: Cred, gid: number): Cred | number {
  if (gid === UNCHANGED) return -Errno.EINVAL;
  if (capable(cred, CAP.SETGID)) return { ...cred, gid, egid: gid, sgid: gid, fsgid: gid };
  if (gid !== cred.gid && gid !== cred.sgid) return -Errno.EPERM;
  return { ...cred, egid: gid, fsgid: gid };
}

export function setRegid(cred: Cred, rgid: number, egid: number): Cred | number {
  const privileged = capable(cred, CAP.SETGID);
  let { gid, egid: effective, sgid } = cred;
  if (rgid !== UNCHANGED) {
    if (!privileged && rgid !== cred.gid && rgid !== cred.egid) return -Errno.EPERM;
    gid = rgid;
  }
  if (egid !== UNCHANGED) {
    if (!privileged && egid !== cred.gid && egid !== cred.egid && egid !== cred.sgid) return -Errno.EPERM;
    effective = egid;
  }
  if (rgid !== UNCHANGED || (egid !== UNCHANGED && egid !== cred.gid)) sgid = effective;
  return { ...cred, gid, egid: effective, sgid, fsgid: effective };
}

export function setResgid(cred: Cred, rgid: number, egid: number, sgid: number): Cred | number {
  const allowed = (id: number): boolean =>
    id === UNCHANGED || id === cred.gid || id === cred.egid || id === cred.sgid;
  if (!capable(cred, CAP.SETGID) && !(allowed(rgid) && allowed(egid) && allowed(sgid))) return -Errno.EPERM;
  const effective = egid === UNCHANGED ? cred.egid : egid;
  return {
    ...cred,
    gid: rgid === UNCHANGED ? cred.gid : rgid,
    egid: effective,
    sgid: sgid === UNCHANGED ? cred.sgid : sgid,
    fsgid: effective,
  };
}

/** setfsuid(2): the new credentials, the same object when the change is refused. */
export function setFsuid(cred: Cred, uid: number): Cred {
  const allowed =
    uid === cred.uid ||
    uid === cred.euid ||
    uid === cred.suid ||
    uid === cred.fsuid ||
    capable(cred, CAP.SETUID);
  if (uid === UNCHANGED || !allowed || uid === cred.fsuid) return cred;
  let capEffective = cred.capEffective;
  if (!(cred.securebits & Secbit.NO_SETUID_FIXUP)) {
    if (cred.fsuid === 0 && uid !== 0) capEffective &= ~FS_CAPS;
    if (cred.fsuid !== 0 && uid === 0) capEffective |= FS_CAPS & cred.capPermitted;
  }
  return { ...cred, fsuid: uid, capEffective };
}

/** setfsgid(2), likewise. */
export function setFsgid(cred: Cred, gid: number): Cred {
  const allowed =
    gid === cred.gid ||
    gid === cred.egid ||
    gid === cred.sgid ||
    gid === cred.fsgid ||
    capable(cred, CAP.SETGID);
  return gid === UNCHANGED || !allowed ? cred : { ...cred, fsgid: gid };
}

export function setGroups(cred: Cred, groups: readonly number[]): Cred | number {
  if (!capable(cred, CAP.SETGID)) return -Errno.EPERM;
  if (groups.length > NGROUPS_MAX) return -Errno.EINVAL;
  return { ...cred, groups: [...groups].sort((a, b) => a - b) };
}

/** The three sets of capset(2), or -errno. */
export function setCaps(
  cred: Cred,
  effective: bigint,
  permitted: bigint,
  inheritable: bigint,
): Cred | number {
  const capEffective = effective & ALL_CAPS;
  const capPermitted = permitted & ALL_CAPS;
  const capInheritable = inheritable & ALL_CAPS;
  if (!capable(cred, CAP.SETPCAP) && capInheritable & ~(cred.capInheritable | cred.capPermitted))
    return -Errno.EPERM;
  if (capInheritable & ~(cred.capInheritable | cred.capBounding)) return -Errno.EPERM;
  if (capPermitted & ~cred.capPermitted) return -Errno.EPERM;
  if (capEffective & ~capPermitted) return -Errno.EPERM;
  const capAmbient = cred.capAmbient & capPermitted & capInheritable;
  return { ...cred, capEffective, capPermitted, capInheritable, capAmbient };
}

/** What execve(2) finds on the file: ids to take on (null: none), and file capabilities. */
export interface ExecPrivileges {
  /** Owner of a set-user-ID file, when the mount, no_new_privs and tracing let it count. */
  setuid: number | null;
  setgid: number | null;
  /** `security.capability` of the file, or null. */
  fileCaps: {
    permitted: bigint;
    inheritable: bigint;
    effective: boolean;
  } | null;
}

/**
 * Credentials after execve(2) (cap_bprm_set_creds, P'(...) of man 7 capabilities). `traced` without CAP_SYS_PTRACE in the
 * tracer keeps ids from rising.
 */
export function credForExec(
  cred: Cred,
  privileges: ExecPrivileges,
  tracedByUnprivileged = false,
): { cred: Cred; secure: boolean } {
  const trusted = !cred.noNewPrivs && !tracedByUnprivileged;
  const euid = trusted && privileges.setuid !== null ? privileges.setuid : cred.euid;
  const egid = trusted && privileges.setgid !== null ? privileges.setgid : cred.egid;
  const fileCaps = trusted ? privileges.fileCaps : null;
  let filePermitted = fileCaps?.permitted ?? 0n;
  let fileInheritable = fileCaps?.inheritable ?? 0n;
  let fileEffective = fileCaps?.effective ?? false;
  const rootRules = !(cred.securebits & Secbit.NOROOT);
  const setuidRootWithCaps = fileCaps !== null && cred.uid !== 0 && euid === 0;
  if (rootRules && !setuidRootWithCaps) {
    if (euid === 0 || cred.uid === 0) {
      filePermitted = ALL_CAPS;
      fileInheritable = ALL_CAPS;
    }
    if (euid === 0) fileEffective = true;
  }
  const idsChanged = euid !== cred.euid || egid !== cred.egid;
  const capAmbient =
    fileCaps || (idsChanged && (euid !== cred.uid || egid !== cred.gid)) ? 0n : cred.capAmbient;
  const capPermitted =
    (cred.capInheritable & fileInheritable) | (filePermitted & cred.capBounding) | capAmbient;
  const capEffective = fileEffective ? capPermitted : capAmbient;
  const next: Cred = {
    ...cred,
    euid,
    suid: euid,
    fsuid: euid,
    egid,
    sgid: egid,
    fsgid: egid,
    capPermitted,
    capEffective,
    capAmbient,
    securebits: cred.securebits & ~Secbit.KEEP_CAPS,
  };
  const gained = cred.uid !== 0 && ((fileEffective && euid !== 0) || (capPermitted & ~capAmbient) !== 0n);
  const secure = next.uid !== next.euid || next.gid !== next.egid || gained;
  return { cred: next, secure };
}

/** Whether `task` may look into or trace another (ptrace_may_access, PTRACE_MODE_ATTACH with real credentials). */
export function mayTrace(task: Task, target: Task): boolean {
  if (task.group === target.group) return true;
  if (!sameOwner(task.cred, target.cred) && !capable(task.cred, CAP.SYS_PTRACE)) return false;
  if (!target.group.dumpable && target.mm && !capable(task.cred, CAP.SYS_PTRACE)) return false;
  const extra = target.cred.capPermitted & ~task.cred.capPermitted;
  if (extra !== 0n && !capable(task.cred, CAP.SYS_PTRACE)) return false;
  return true;
}
