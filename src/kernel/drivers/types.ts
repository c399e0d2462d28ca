/** The drivers room's part of the kernel state: who answers for which device numbers, and the device model. */
import type { Plain } from '../outcome.ts';

/** One registered range of character device numbers (fs/char_dev.c). */
export interface ChrdevRegion {
  major: number;
  baseMinor: number;
  count: number;
  /** Name in /proc/devices. */
  name: string;
  /** Key of the table of chrdev drivers (fs/ops.ts). */
  driver: string;
  /** The module that registered it; absent: the kernel. */
  module?: string | null;
}

/** A device of the device model: makes /sys/devices/…, /sys/class/CLASS/NAME, /sys/dev/char/M:m and a node in devtmpfs. */
export interface Device {
  name: string;
  /** Directory below /sys/devices, such as `virtual/mem/null`. */
  devpath: string;
  /** Class name, or null. */
  class: string | null;
  /** Device number as makedev encodes it; 0: none. */
  rdev: number;
  block: boolean;
  /** Node name below /dev (may have a slash) and its mode; null: no node. */
  node: string | null;
  mode: number;
  uid: number;
  gid: number;
  /** Further uevent variables and attribute files, by name. */
  uevent: Record<string, string>;
  attributes: Record<string, string>;
  data: Plain;
  /** The module that made it; absent: the kernel. */
  module?: string | null;
}

export interface DriversRoom {
  chrdevs: ChrdevRegion[];
  devices: Device[];
  classes: { name: string; owner: string | null }[];
  ueventSeq: number;
}
