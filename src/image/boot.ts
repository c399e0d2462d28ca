/**
 * The files of /boot that stand for a kernel: our kernel is TypeScript outside the VM, but a lab's machine has an
 * image, a configuration and a symbol map, and students look at them.
 *
 * Always true: the content depends on the version alone. The image is a real gzip file of about 8 MB: a RISC-V Image
 * header (Documentation/arch/riscv/boot-image-header.rst), a text that says what this is, and noise.
 */
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';

/** Bytes of the unpacked noise; it does not compress, so the image is as big. */
const IMAGE_BYTES = 8_250_000;

/** Files of /boot and /lib/modules for one kernel version. */
export interface KernelFiles {
  readonly vmlinuz: Uint8Array;
  readonly config: string;
  readonly systemMap: string;
  readonly modulesBuiltin: string;
  /** modules.builtin.modinfo: `NAME.KEY=VALUE`, each ended by a zero byte (scripts/mod of Linux since 5.2). */
  readonly modulesInfo: string;
}

/** Makes the files for `version`. */
export function kernelFiles(version: string): KernelFiles {
  return {
    vmlinuz: vmlinuz(version),
    config: config(version),
    // Debian ships just this line, too; addresses are in /proc/kallsyms.
    systemMap: `ffffffffffffffff B The addresses of this kernel (${version}) are in /proc/kallsyms\n`,
    modulesBuiltin: `${BUILTIN.map((path) => `kernel/${path}.ko`).join('\n')}\n`,
    modulesInfo: BUILTIN.map((path) => {
      const name = path.split('/').at(-1)!.replaceAll('-', '_');
      return `${name}.license=GPL\0${name}.file=${path}\0`;
    }).join(''),
  };
}

function vmlinuz(version: string): Uint8Array {
  const image = Buffer.alloc(IMAGE_BYTES);
  // code0 and code1 of the header: `j .+0x1000`, `nop`.
  image.writeUInt32LE(0x0000106f, 0);
  image.writeUInt32LE(0x00000013, 4);
  image.writeBigUInt64LE(0x200000n, 8);
  image.writeBigUInt64LE(BigInt(IMAGE_BYTES), 16);
  image.writeUInt32LE(2, 32);
  image.write('RISCV\0\0\0', 48, 'latin1');
  image.write('RSC\x05', 56, 'latin1');
  image.write(
    `Linux version ${version} as simulated by Oopsbox: the kernel runs outside this disk.\n`,
    64,
    'latin1',
  );
  for (let at = 4096, block = 0; at < IMAGE_BYTES; at += 32, block++) {
    createHash('sha256').update(`${version} ${block}`).digest().copy(image, at);
  }
  return gzipSync(image, { level: 1 });
}

/** What is built in, for modprobe(8) and modinfo(8): parts of Linux that our kernel has without loading them. */
const BUILTIN = [
  ...['fs/ext4/ext4', 'fs/mbcache', 'fs/jbd2/jbd2', 'lib/crc16', 'drivers/block/virtio_blk'],
  ...['drivers/char/virtio_console', 'drivers/tty/serial/8250/8250', 'drivers/char/hw_random/virtio-rng'],
  ...['drivers/virtio/virtio', 'drivers/virtio/virtio_ring', 'net/unix/unix', 'net/ipv6/ipv6'],
];

/** Options a course may look up in config-VERSION, with what our kernel does about them. */
const OPTIONS: readonly string[] = [
  ...[
    '64BIT=y',
    'RISCV=y',
    'ARCH_RV64I=y',
    'MMU=y',
    'RISCV_ISA_C=y',
    'FPU=y',
    'NR_CPUS=1',
    'PAGE_OFFSET=0xff60000000000000',
  ],
  ...['LOCALVERSION=""', 'DEFAULT_HOSTNAME="(none)"', 'SYSVIPC=y', 'POSIX_TIMERS=y', 'HZ_250=y', 'HZ=250'],
  ...[
    'LOG_BUF_SHIFT=18',
    'PRINTK=y',
    'BUG=y',
    'KALLSYMS=y',
    'KALLSYMS_ALL=y',
    'FUTEX=y',
    'EPOLL=y',
    'SIGNALFD=y',
  ],
  ...['TIMERFD=y', 'EVENTFD=y', 'SHMEM=y', 'MULTIUSER=y', 'BINFMT_ELF=y', 'BINFMT_SCRIPT=y', 'COREDUMP=y'],
  ...[
    'MODULES=y',
    'MODULE_FORCE_LOAD=y',
    'MODULE_UNLOAD=y',
    'MODULE_FORCE_UNLOAD=y',
    'MODVERSIONS=y',
    'MODULE_SIG=y',
  ],
  ...[
    'BLOCK=y',
    'NET=y',
    'PACKET=y',
    'UNIX=y',
    'INET=y',
    'IPV6=y',
    'DEVTMPFS=y',
    'DEVTMPFS_MOUNT=y',
    'VIRTIO=y',
  ],
  ...[
    'VIRTIO_BLK=y',
    'TTY=y',
    'UNIX98_PTYS=y',
    'SERIAL_8250=y',
    'SERIAL_8250_CONSOLE=y',
    'DEVMEM=y',
    'EXT4_FS=y',
  ],
  ...[
    'PROC_FS=y',
    'PROC_SYSCTL=y',
    'SYSFS=y',
    'TMPFS=y',
    'DEBUG_FS=y',
    'MAGIC_SYSRQ=y',
    'SECURITY_DMESG_RESTRICT=y',
  ],
  ...[
    'DEBUG_KERNEL=y',
    'SOFTLOCKUP_DETECTOR=y',
    'DETECT_HUNG_TASK=y',
    'STACKTRACE=y',
    'FRAME_POINTER=y',
    'VMAP_STACK=y',
  ],
];

function config(version: string): string {
  return [
    '#',
    `# Linux/riscv ${version} Kernel Configuration, as far as Oopsbox simulates it`,
    '#',
    ...OPTIONS.map((option) => `CONFIG_${option}`),
    '',
  ].join('\n');
}
