/** The net room's door: its state, what it does at boot. Importing it fills the tables of protocols and /proc/net. */
import './inet/index.ts';
import './netlink/netlink.ts';
import './proc.ts';
import './unix/index.ts';
import { defineFsType } from '../fs/ops.ts';
import { newSuperblock } from '../fs/super.ts';
import type { Superblock } from '../fs/types.ts';
import type { Kernel } from '../kernel.ts';
import { loopback, registerInterface } from './interfaces.ts';
import type { NetRoom } from './types.ts';

const SOCKFS_MAGIC = 0x534f434b;

export const createNetRoom = (): NetRoom => ({
  interfaces: [loopback()],
  sockfs: null as unknown as Superblock,
  sockets: new Map(),
  queuedBytes: 0,
  unixPaths: new Map(),
  unixNames: new Map(),
  nextAutobind: 0,
  inFlight: 0,
  doomed: null,
  releases: 0,
  collectAt: 1000,
  ports: { tcp: new Map(), udp: new Map(), ping: new Map() },
  raw: [],
  closed: [],
  nextPort: 0,
  nextIpId: 1,
  counters: {},
});

defineFsType({
  name: 'sockfs',
  nodev: true,
  mount: () => -22,
  lookup: () => -2,
  readdir: () => [],
  statfs: () => ({ type: SOCKFS_MAGIC, blocks: 0, free: 0, files: 0, ffree: 0 }),
});

/** Mounts sockfs inside. Brings up no interface: `ip link set lo up` of the boot script does. */
export function initNet(k: Kernel): void {
  k.net.sockfs = newSuperblock(k, 'sockfs', 'sockfs', { mode: 0o40555 });
  for (const device of k.net.interfaces) registerInterface(k, device);
}
