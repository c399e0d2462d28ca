/**
 * What the kernel says while it boots. Always true: numbers come from the VM as it is configured; the time each step took is
 * simulated, so the clock stands a little after zero when the first program starts.
 */
import { majorOf, minorOf } from '../fs/flags.ts';
import { findFsType } from '../fs/ops.ts';
import type { Kernel } from '../kernel.ts';
import { Level, printk } from './printk.ts';

/** /proc/version and the first line of the log (linux_banner of init/version.c). */
export const linuxBanner = (k: Kernel): string =>
  `Linux version ${k.identity.release} ${k.identity.release.startsWith('4.') ? BUILDER_4 : BUILDER_6} ${k.identity.version}`;

/** Who built the kernel, with what. */
const BUILDER_4 = '(buildd@riscv64-lab) (gcc version 7.3.0 (Ubuntu 7.3.0-16ubuntu3))';
const BUILDER_6 =
  '(debian-kernel@lists.debian.org) (riscv64-linux-gnu-gcc-14 (Debian 14.2.0-19) 14.2.0, GNU ld (GNU Binutils for Debian) 2.44)';

/** Where memory begins on the simulated board. */
const RAM_BASE = 0x80000000;

const hex16 = (value: number): string => `0x${value.toString(16).padStart(16, '0')}`;

/** A power of two near `wanted`: how Linux sizes its hash tables. */
const powerOfTwo = (wanted: number): number => 2 ** Math.max(0, Math.round(Math.log2(Math.max(1, wanted))));

/** `Dentry cache hash table entries: 131072 (order: 8, 1048576 bytes)` (alloc_large_system_hash). */
function hashTable(name: string, entries: number, entryBytes = 8): string {
  const bytes = entries * entryBytes;
  const order = Math.max(0, Math.ceil(Math.log2(bytes / 4096)));
  return `${name} hash table entries: ${entries} (order: ${order}, ${bytes} bytes)`;
}

/** One message: simulated microseconds that passed before it, level, text. */
type Line = readonly [afterUs: number, level: number, text: string];

const { INFO, NOTICE, WARNING, DEBUG } = Level;

function memoryLines(pages: number): Line[] {
  const end = RAM_BASE + pages * 4096 - 1;
  const range = `[mem ${hex16(RAM_BASE)}-${hex16(end)}]`;
  return [
    [0, INFO, 'Zone ranges:'],
    [0, INFO, `  DMA32    ${range}`],
    [0, INFO, '  Normal   empty'],
    [0, INFO, 'Movable zone start for each node'],
    [0, INFO, 'Early memory node ranges'],
    [0, INFO, `  node   0: ${range}`],
    [0, INFO, `Initmem setup node 0 ${range}`],
    [0, DEBUG, `On node 0 totalpages: ${pages}`],
  ];
}

function earlyLines(k: Kernel): Line[] {
  const pages = k.quotas.memoryPages;
  const kib = pages * 4;
  return [
    [0, NOTICE, linuxBanner(k)],
    [0, INFO, `OF: fdt: Ignoring memory range ${hex16(0)} - ${hex16(RAM_BASE)}`],
    [0, INFO, 'random: fast init done'],
    [0, INFO, 'Machine model: oopsbox,virt'],
    ...memoryLines(pages),
    [0, INFO, 'elf_hwcap is 0x112d'],
    [0, INFO, 'riscv: ISA extensions acdfim'],
    [0, INFO, `Built 1 zonelists, mobility grouping on.  Total pages: ${pages}`],
    [0, NOTICE, `Kernel command line: ${k.identity.cmdline}`],
    [0, INFO, hashTable('Dentry cache', powerOfTwo(pages / 2))],
    [0, INFO, hashTable('Inode-cache', powerOfTwo(pages / 4))],
    [0, INFO, 'Sorting __ex_table...'],
    [
      0,
      INFO,
      `Memory: ${kib}K/${kib}K available (6656K kernel code, 512K rwdata, 2048K rodata, 208K init, 708K bss, 0K reserved, 0K cma-reserved)`,
    ],
    [0, INFO, 'SLUB: HWalign=64, Order=0-3, MinObjects=0, CPUs=1, Nodes=1'],
    [0, INFO, 'Hierarchical RCU implementation.'],
    [0, INFO, '\tRCU restricting CPUs from NR_CPUS=8 to nr_cpu_ids=1.'],
    [0, INFO, 'NR_IRQS: 0, nr_irqs: 0, preallocated irqs: 0'],
    [
      0,
      INFO,
      'clocksource: riscv_clocksource: mask: 0xffffffffffffffff max_cycles: 0x24e6a1710, max_idle_ns: 440795202120 ns',
    ],
    [24, INFO, 'sched_clock: 64 bits at 10MHz, resolution 100ns, wraps every 4398046511100ns'],
    [310, INFO, 'Console: colour dummy device 80x25'],
    [
      120,
      INFO,
      'Calibrating delay loop (skipped), value calculated using timer frequency.. 20.00 BogoMIPS (lpj=40000)',
    ],
    [40, INFO, `pid_max: default: ${k.task.pidMax} minimum: 301`],
    [80, INFO, 'Security Framework initialized'],
    [30, INFO, 'Yama: becoming mindful.'],
    [60, INFO, hashTable('Mount-cache', 2048)],
    [20, INFO, hashTable('Mountpoint-cache', 2048)],
    [900, INFO, 'Hierarchical SRCU implementation.'],
    [400, INFO, 'smp: Bringing up secondary CPUs ...'],
    [20, INFO, 'smp: Brought up 1 node, 1 CPU'],
    [700, INFO, 'devtmpfs: initialized'],
  ];
}

function subsystemLines(k: Kernel): Line[] {
  const pages = k.quotas.memoryPages;
  const established = powerOfTwo(pages / 32);
  return [
    [
      600,
      INFO,
      'clocksource: jiffies: mask: 0xffffffff max_cycles: 0xffffffff, max_idle_ns: 7645041785100000 ns',
    ],
    [50, INFO, hashTable('futex', 256, 64)],
    [300, INFO, 'NET: Registered protocol family 16'],
    [800, INFO, 'audit: initializing netlink subsys (disabled)'],
    [40, NOTICE, 'audit: type=2000 audit(0.000:1): state=initialized audit_enabled=0 res=1'],
    [900, INFO, 'clocksource: Switched to clocksource riscv_clocksource'],
    [400, INFO, 'VFS: Disk quotas dquot_6.6.0'],
    [30, INFO, hashTable('VFS: Dquot-cache', 512)],
    [2100, INFO, 'NET: Registered protocol family 2'],
    [150, INFO, hashTable('TCP established', established)],
    [60, INFO, hashTable('TCP bind', established, 16)],
    [40, INFO, `TCP: Hash tables configured (established ${established} bind ${established})`],
    [30, INFO, hashTable('UDP', powerOfTwo(pages / 512), 32)],
    [30, INFO, hashTable('UDP-Lite', powerOfTwo(pages / 512), 32)],
    [120, INFO, 'NET: Registered protocol family 1'],
    [1500, INFO, 'workingset: timestamp_bits=62 max_order=18 bucket_order=0'],
    [800, INFO, 'Key type asymmetric registered'],
    [20, INFO, "Asymmetric key parser 'x509' registered"],
    [500, INFO, 'io scheduler noop registered'],
    [20, INFO, 'io scheduler deadline registered'],
    [20, INFO, 'io scheduler cfq registered (default)'],
  ];
}

/** The disk the root file system is on, as large as df says. */
function diskLines(k: Kernel): Line[] {
  const { sb, source } = k.fs.rootMount ?? {};
  if (!sb || !source) return [];
  const partition = source.replace(/^.*\//, '');
  const disk = partition.replace(/\d+$/, '');
  const bytes = (findFsType(sb.type)?.statfs?.(k, sb).blocks ?? 0) * 4096;
  const size = `${bytes / 512} 512-byte logical blocks (${(bytes / 1e9).toFixed(2)} GB/${(bytes / 2 ** 30).toFixed(2)} GiB)`;
  const lines: Line[] = [[600, INFO, `virtio_blk virtio0: [${disk}] ${size}`]];
  if (partition !== disk) lines.push([200, INFO, ` ${disk}: ${partition}`]);
  lines.push(
    [900, INFO, `EXT4-fs (${partition}): mounted filesystem with ordered data mode. Opts: (null)`],
    [40, INFO, `VFS: Mounted root (ext4 filesystem) on device ${majorOf(sb.dev)}:${minorOf(sb.dev)}.`],
  );
  return lines;
}

function deviceLines(k: Kernel): Line[] {
  const lines: Line[] = [
    [1800, INFO, `Serial: 8250/16550 driver, ${k.tty.ports.length} ports, IRQ sharing disabled`],
  ];
  for (const port of k.tty.ports) {
    lines.push([
      300,
      INFO,
      `10000000.serial: ${port.name} at MMIO 0x10000000 (irq = 10, base_baud = 230400) is a 16550A`,
    ]);
  }
  lines.push(
    [200, INFO, 'console [ttyS0] enabled'],
    [900, INFO, 'random: crng init done'],
    [700, INFO, 'NET: Registered protocol family 10'],
    [300, INFO, 'NET: Registered protocol family 17'],
    [200, INFO, 'Key type dns_resolver registered'],
    [100, INFO, 'registered taskstats version 1'],
    [300, INFO, 'Loading compiled-in X.509 certificates'],
    ...diskLines(k),
    [80, INFO, 'devtmpfs: mounted'],
    [120, INFO, 'Freeing unused kernel memory: 208K'],
    [20, WARNING, 'This architecture does not have kernel memory protection.'],
  );
  return lines;
}

/**
 * Logs the whole boot. Each line's simulated time is added to the clock, so whoever moves the clock afterwards must not
 * set it back.
 */
export function bootMessages(k: Kernel): void {
  for (const [afterUs, level, text] of [...earlyLines(k), ...subsystemLines(k), ...deviceLines(k)]) {
    k.time.nowNs += afterUs * 1000;
    printk(k, level, text);
  }
}
