/**
 * Events of the device model (lib/kobject_uevent.c). Always true: each one has the next sequence number, whether anybody listens on
 * netlink or not.
 */
import type { Kernel } from '../kernel.ts';

/** NETLINK_KOBJECT_UEVENT, and the group of messages from the kernel. */
export const UEVENT_PROTOCOL = 15;
export const UEVENT_GROUP = 1;

type Broadcast = (k: Kernel, protocol: number, groups: number, bytes: Uint8Array) => void;
let broadcast: Broadcast = () => {};

/** The net room sends from here on. */
export function provideBroadcast(send: Broadcast): void {
  broadcast = send;
}

/** Tells that something happened to the object at `devpath` (below /sys). `extra` are further NAME=value texts. */
export function emitUevent(
  k: Kernel,
  action: string,
  devpath: string,
  subsystem: string,
  extra: readonly string[] = [],
): void {
  const seq = ++k.drivers.ueventSeq;
  const texts = [`${action}@${devpath}`, `ACTION=${action}`, `DEVPATH=${devpath}`];
  texts.push(`SUBSYSTEM=${subsystem}`, ...extra, `SEQNUM=${seq}`);
  const all = texts.map((text) => `${text}\0`).join('');
  broadcast(
    k,
    UEVENT_PROTOCOL,
    UEVENT_GROUP,
    Uint8Array.from(all, (c) => c.charCodeAt(0)),
  );
}
