/** System calls about credentials and capabilities. Decode, then delegate to task/cred.ts. */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import { copyIn, copyOut, readI32, readU32, writeU32 } from '../mm/uaccess.ts';
import {
  commitCred,
  setCaps,
  setFsgid,
  setFsuid,
  setGid,
  setGroups,
  setRegid,
  setResgid,
  setResuid,
  setReuid,
  setUid,
} from '../task/cred.ts';
import { capTarget } from '../task/prctl.ts';
import { Rlim, tasksOfUser } from '../task/rlimit.ts';
import type { Cred, Task } from '../task/types.ts';
import { syscall } from './table.ts';

const commit = (task: Task, cred: Cred | number): number =>
  typeof cred === 'number' ? cred : commitCred(task, cred);

/** A user that already has too many processes: exec will refuse (set_user); counted, not refused here. */
const commitUid = (k: Kernel, task: Task, cred: Cred | number): number => {
  if (typeof cred !== 'number' && cred.uid !== task.cred.uid && cred.uid !== 0)
    if (tasksOfUser(k, cred.uid) > k.quotas.maxTasks || task.group.rlimits[Rlim.NPROC].cur < 0)
      return -Errno.EAGAIN;
  return commit(task, cred);
};

syscall(174, 'getuid', [], (_k, task) => task.cred.uid);
syscall(175, 'geteuid', [], (_k, task) => task.cred.euid);
syscall(176, 'getgid', [], (_k, task) => task.cred.gid);
syscall(177, 'getegid', [], (_k, task) => task.cred.egid);

syscall(143, 'setregid', ['uint', 'uint'], (_k, task, r, e) => commit(task, setRegid(task.cred, r, e)));
syscall(144, 'setgid', ['uint'], (_k, task, gid) => commit(task, setGid(task.cred, gid)));
syscall(145, 'setreuid', ['uint', 'uint'], (k, task, r, e) => commitUid(k, task, setReuid(task.cred, r, e)));
syscall(146, 'setuid', ['uint'], (k, task, uid) => commitUid(k, task, setUid(task.cred, uid)));
syscall(147, 'setresuid', ['uint', 'uint', 'uint'], (k, task, r, e, s) =>
  commitUid(k, task, setResuid(task.cred, r, e, s)),
);
syscall(149, 'setresgid', ['uint', 'uint', 'uint'], (_k, task, r, e, s) =>
  commit(task, setResgid(task.cred, r, e, s)),
);

function writeThree(k: Kernel, task: Task, to: number[], ids: number[]): number {
  for (let i = 0; i < 3; i++) if (writeU32(k, task, to[i], ids[i]) < 0) return -Errno.EFAULT;
  return 0;
}
syscall(148, 'getresuid', ['ptr', 'ptr', 'ptr'], (k, task, r, e, s) =>
  writeThree(k, task, [r, e, s], [task.cred.uid, task.cred.euid, task.cred.suid]),
);
syscall(150, 'getresgid', ['ptr', 'ptr', 'ptr'], (k, task, r, e, s) =>
  writeThree(k, task, [r, e, s], [task.cred.gid, task.cred.egid, task.cred.sgid]),
);

/** setfsuid(2) and setfsgid(2) answer the old id whatever happens. */
syscall(151, 'setfsuid', ['uint'], (_k, task, uid) => {
  const old = task.cred.fsuid;
  commitCred(task, setFsuid(task.cred, uid));
  return old;
});
syscall(152, 'setfsgid', ['uint'], (_k, task, gid) => {
  const old = task.cred.fsgid;
  commitCred(task, setFsgid(task.cred, gid));
  return old;
});

syscall(158, 'getgroups', ['int', 'ptr'], (k, task, size, list) => {
  const { groups } = task.cred;
  if (size < 0) return -Errno.EINVAL;
  if (size === 0) return groups.length;
  if (size < groups.length) return -Errno.EINVAL;
  const bytes = new Uint8Array(new Uint32Array(groups).buffer);
  return copyOut(k, task, list, bytes) < 0 ? -Errno.EFAULT : groups.length;
});
syscall(159, 'setgroups', ['int', 'ptr'], (k, task, size, list) => {
  const refused = setGroups(task.cred, []);
  if (typeof refused === 'number') return refused;
  if (size < 0 || size > 65536) return -Errno.EINVAL;
  const bytes = copyIn(k, task, list, size * 4);
  if (!bytes) return -Errno.EFAULT;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const groups = Array.from({ length: size }, (_, i) => view.getUint32(4 * i, true));
  return commit(task, setGroups(task.cred, groups));
});

const CAP_V1 = 0x19980330;
const CAP_V2 = 0x20071026;
const CAP_V3 = 0x20080522;

/** How many 32-bit words of each set a version has; 0: unknown, and the present version is written back. */
function capWords(k: Kernel, task: Task, header: number): number | null {
  const version = readU32(k, task, header);
  if (version === null) return null;
  if (version === CAP_V1) return 1;
  if (version === CAP_V2 || version === CAP_V3) return 2;
  return writeU32(k, task, header, CAP_V3) < 0 ? null : 0;
}

syscall(90, 'capget', ['ptr', 'ptr'], (k, task, header, data) => {
  const words = capWords(k, task, header);
  if (words === null) return -Errno.EFAULT;
  if (words === 0) return data === 0 ? 0 : -Errno.EINVAL;
  const pid = readI32(k, task, header + 4);
  if (pid === null) return -Errno.EFAULT;
  if (pid < 0) return -Errno.EINVAL;
  const target = capTarget(k, task, pid);
  if (!target) return -Errno.ESRCH;
  if (data === 0) return 0;
  const { capEffective, capPermitted, capInheritable } = target.cred;
  const bytes = new Uint8Array(12 * words);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < words; i++)
    [capEffective, capPermitted, capInheritable].forEach((set, j) => {
      view.setUint32(12 * i + 4 * j, Number((set >> BigInt(32 * i)) & 0xffffffffn), true);
    });
  return copyOut(k, task, data, bytes);
});

syscall(91, 'capset', ['ptr', 'ptr'], (k, task, header, data) => {
  const words = capWords(k, task, header);
  if (words === null) return -Errno.EFAULT;
  if (words === 0) return -Errno.EINVAL;
  const pid = readI32(k, task, header + 4);
  if (pid === null) return -Errno.EFAULT;
  if (pid !== 0 && pid !== task.tid) return -Errno.EPERM;
  const bytes = copyIn(k, task, data, 12 * words);
  if (!bytes) return -Errno.EFAULT;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const sets = [0n, 0n, 0n];
  for (let i = 0; i < words; i++)
    for (let j = 0; j < 3; j++) sets[j] |= BigInt(view.getUint32(12 * i + 4 * j, true)) << BigInt(32 * i);
  return commit(task, setCaps(task.cred, sets[0], sets[1], sets[2]));
});
