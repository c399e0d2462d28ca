/**
 * Control messages (man 3 cmsg, man 7 unix). Always true: what is received never takes more than the receiver's room; a message that
 * does not fit is cut and MSG_CTRUNC says so.
 */
import { Errno } from '../abi/errno.ts';
import { getFileRaw, getFileRef, installFd } from '../fs/file.ts';
import type { File } from '../fs/types.ts';
import type { Kernel } from '../kernel.ts';
import { CAP, capable } from '../task/capability.ts';
import type { Cred, Task } from '../task/types.ts';
import { Msg, Scm, Sol } from './flags.ts';
import type { ReceiveMessage } from './protocol.ts';
import type { IpInfo, Packet, Socket, Ucred } from './types.ts';

const HEADER = 16;
/** SCM_MAX_FD. */
const MAX_FILES = 253;
const align = (n: number): number => (n + 7) & ~7;

/** What a sender's control messages say. */
export interface SendControl {
  /** Descriptors to pass: looked up when the message is sent. */
  files: File[];
  cred: Ucred | null;
  /** Messages of other levels, such as IP_PKTINFO. */
  others: { level: number; type: number; data: Uint8Array }[];
}

export const ucredOf = (task: Task): Ucred => ({
  pid: task.group.pid,
  uid: task.cred.euid,
  gid: task.cred.egid,
});

/** struct ucred as bytes. */
export function ucredBytes(cred: Ucred): Uint8Array {
  const bytes = new Uint8Array(12);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, cred.pid, true);
  view.setUint32(4, cred.uid, true);
  view.setUint32(8, cred.gid, true);
  return bytes;
}

/** What is sent without SCM_CREDENTIALS: the real ids of the sender. */
export const senderCred = (task: Task): Ucred => ({
  pid: task.group.pid,
  uid: task.cred.uid,
  gid: task.cred.gid,
});

function mayClaim(task: Task, claimed: Ucred): boolean {
  const { cred } = task;
  const own = (id: number, ...ids: number[]): boolean => ids.includes(id);
  if (claimed.pid !== task.group.pid && !capable(cred, CAP.SYS_ADMIN)) return false;
  if (!own(claimed.uid, cred.uid, cred.euid, cred.suid) && !capable(cred, CAP.SETUID)) return false;
  return own(claimed.gid, cred.gid, cred.egid, cred.sgid) || capable(cred as Cred, CAP.SETGID);
}

/** Reads a sender's control messages; the files in it are not referenced yet. */
export function parseControl(task: Task, raw: Uint8Array): SendControl | number {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const control: SendControl = { files: [], cred: null, others: [] };
  for (let at = 0; at + HEADER <= raw.length; ) {
    const length = Number(view.getBigUint64(at, true));
    if (length < HEADER || length > raw.length - at) return -Errno.EINVAL;
    const level = view.getInt32(at + 8, true);
    const type = view.getInt32(at + 12, true);
    const data = raw.subarray(at + HEADER, at + length);
    const failed = parseOne(task, control, level, type, data);
    if (failed < 0) return failed;
    at += align(length);
  }
  return control;
}

function parseOne(task: Task, control: SendControl, level: number, type: number, data: Uint8Array): number {
  if (level !== Sol.SOCKET) {
    control.others.push({ level, type, data });
    return 0;
  }
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  if (type === Scm.RIGHTS) {
    const count = data.length >> 2;
    if (control.files.length + count > MAX_FILES) return -Errno.EINVAL;
    for (let i = 0; i < count; i++) {
      const file = getFileRaw(task, view.getInt32(i * 4, true));
      if (!file) return -Errno.EBADF;
      control.files.push(file);
    }
    return 0;
  }
  if (type === Scm.CREDENTIALS) {
    if (data.length !== 12) return -Errno.EINVAL;
    const cred = {
      pid: view.getInt32(0, true),
      uid: view.getUint32(4, true),
      gid: view.getUint32(8, true),
    };
    if (!mayClaim(task, cred)) return -Errno.EPERM;
    control.cred = cred;
    return 0;
  }
  return -Errno.EINVAL;
}

/** The files of a message, each with a reference of its own; null for none. */
export const takeFiles = (control: SendControl | null): File[] | null =>
  control && control.files.length > 0 ? control.files.map(getFileRef) : null;

/** Adds a control message to what is received, cut to the room that is left. */
export function putControl(message: ReceiveMessage, level: number, type: number, data: Uint8Array): void {
  const left = message.controlRoom - message.controlBytes;
  if (left < HEADER) {
    message.outFlags |= Msg.CTRUNC;
    return;
  }
  const length = Math.min(HEADER + data.length, left);
  if (length < HEADER + data.length) message.outFlags |= Msg.CTRUNC;
  const bytes = new Uint8Array(Math.min(align(length), left));
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(length), true);
  view.setInt32(8, level, true);
  view.setInt32(12, type, true);
  bytes.set(data.subarray(0, length - HEADER), HEADER);
  message.control.push(bytes);
  message.controlBytes += bytes.length;
}

/** Installs received files as descriptors, as many as the room and the limit allow (scm_detach_fds). */
export function putRights(k: Kernel, task: Task, message: ReceiveMessage, files: readonly File[]): void {
  const room = Math.max(0, (message.controlRoom - message.controlBytes - HEADER) >> 2);
  const fds: number[] = [];
  for (const file of files.slice(0, room)) {
    const fd = installFd(k, task, getFileRef(file), (message.flags & Msg.CMSG_CLOEXEC) !== 0);
    if (fd < 0) {
      file.refs--;
      break;
    }
    fds.push(fd);
  }
  if (fds.length > 0)
    putControl(message, Sol.SOCKET, Scm.RIGHTS, new Uint8Array(Int32Array.from(fds).buffer));
  if (fds.length < files.length) message.outFlags |= Msg.CTRUNC;
}

/** SO_TIMESTAMP and SO_TIMESTAMPNS. */
export function putTimestamp(socket: Socket, message: ReceiveMessage, packet: Packet): void {
  const { timestamp } = socket.options;
  if (timestamp === 0) return;
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setBigInt64(0, BigInt(packet.time.sec), true);
  const { nsec } = packet.time;
  view.setBigInt64(8, BigInt(timestamp === 1 ? Math.floor(nsec / 1000) : nsec), true);
  putControl(message, Sol.SOCKET, timestamp === 1 ? Scm.TIMESTAMP : Scm.TIMESTAMPNS, bytes);
}

export type { IpInfo };
