/** Networking as data. The net room owns and extends this file. */
import type { Plain } from '../outcome.ts';

export interface NetRoom {
  /** Interfaces: `lo` first. */
  interfaces: Plain[];
  /** Bound and listening sockets by protocol; see net/inet.ts and net/unix.ts. */
  sockets: Plain;
}
