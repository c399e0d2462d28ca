/**
 * The kernel headers of one kernel version, made from `src/guest/kernel/include`, the declared structs and the declared exports.
 *
 * Always true: every declared struct and every exported symbol of that version is in the header its declaration names; a line
 * `@structs` or `@kapi` in a comment of its own is where they go; every header guards itself.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Errno } from '../kernel/abi/errno.ts';
import { structText } from '../kernel/abi/structs/index.ts';
import { symbolsOf, versionCode } from '../kernel/kapi/declarations/index.ts';
import { hasModversions, vermagic } from '../kernel/kapi/vermagic.ts';

const SOURCES = fileURLToPath(new URL('../guest/kernel/include/', import.meta.url));

/** Headers that hold nothing but includes, their structs and their exports. */
const THIN: Readonly<Record<string, readonly string[]>> = {
  'linux/errno.h': ['asm/errno.h'],
  'linux/stddef.h': ['linux/types.h'],
  'linux/stringify.h': ['linux/compiler.h'],
  'linux/build_bug.h': ['linux/compiler.h'],
  'linux/compiler_types.h': ['linux/compiler.h'],
  'linux/compiler_attributes.h': ['linux/compiler.h'],
  'linux/panic.h': ['linux/compiler.h', 'linux/types.h'],
  'linux/sprintf.h': ['linux/stdarg.h', 'linux/types.h'],
  'linux/ratelimit.h': ['linux/ratelimit_types.h'],
  'linux/math.h': ['linux/kernel.h'],
  'linux/limits.h': ['linux/kernel.h'],
  'linux/dcache.h': ['linux/list.h'],
  'linux/path.h': ['linux/types.h'],
  'linux/mount.h': ['linux/fs.h'],
  'linux/namei.h': ['linux/fs.h'],
  'linux/fs_struct.h': ['linux/path.h', 'linux/spinlock.h'],
  'linux/fdtable.h': ['linux/fs.h', 'linux/spinlock.h'],
  'linux/file.h': ['linux/fs.h'],
  'linux/cdev.h': ['linux/kobject.h', 'linux/kdev_t.h', 'linux/fs.h'],
  'linux/mod_devicetable.h': ['linux/types.h'],
  'linux/user_namespace.h': ['linux/types.h'],
  'linux/pid_namespace.h': ['linux/sched.h', 'linux/nsproxy.h'],
  'linux/nsproxy.h': ['linux/refcount.h'],
  'linux/resource.h': ['linux/types.h'],
  'linux/swait.h': ['linux/wait.h'],
  'linux/highmem.h': ['linux/mm.h'],
  'linux/pagemap.h': ['linux/mm.h', 'linux/fs.h'],
  'linux/swap.h': ['linux/mm.h'],
  'linux/mman.h': ['linux/mm.h'],
  'linux/dma-mapping.h': ['linux/device.h'],
  'linux/io.h': ['linux/types.h', 'asm/page.h'],
  'linux/gcd.h': ['linux/compiler.h'],
  'linux/lcm.h': ['linux/compiler.h'],
  'linux/sort.h': ['linux/types.h'],
  'linux/bsearch.h': ['linux/types.h'],
  'linux/list_sort.h': ['linux/list.h'],
  'linux/random.h': ['linux/types.h'],
  'linux/prandom.h': ['linux/random.h'],
  'linux/kallsyms.h': ['linux/types.h'],
  'linux/time.h': ['linux/time64.h', 'linux/timekeeping.h'],
  'linux/sched/types.h': ['linux/types.h'],
  'linux/sched/clock.h': ['linux/types.h'],
  'linux/sched/task.h': ['linux/sched.h'],
  'linux/sched/mm.h': ['linux/mm.h'],
  'linux/sched/prio.h': ['linux/sched.h'],
  'linux/sched/rt.h': ['linux/sched.h'],
  'linux/sched/debug.h': ['linux/sched.h'],
  'linux/sched/loadavg.h': ['linux/sched.h'],
  'linux/sched/cputime.h': ['linux/sched.h'],
  'linux/sched/task_stack.h': ['linux/sched.h'],
  'uapi/linux/sched/types.h': ['linux/sched/types.h'],
  'linux/signal.h': ['linux/sched/signal.h'],
  'linux/unistd.h': ['asm/unistd.h'],
  'linux/keyboard.h': ['linux/notifier.h'],
  'linux/cpu.h': ['linux/smp.h'],
  'linux/irq.h': ['linux/interrupt.h'],
  'linux/hardirq.h': ['linux/interrupt.h'],
  'linux/bottom_half.h': ['linux/spinlock.h'],
  'linux/rculist.h': ['linux/list.h', 'linux/rcupdate.h'],
  'linux/rwlock.h': ['linux/spinlock.h'],
  'linux/cache.h': ['linux/init.h'],
  'linux/vermagic.h': ['linux/version.h'],
  'linux/export-internal.h': ['linux/export.h'],
  'linux/ioctl_types.h': ['linux/ioctl.h'],
  'linux/oom.h': ['linux/sched/signal.h'],
  'linux/umh.h': ['linux/kmod.h'],
  'linux/once.h': ['linux/types.h'],
  'linux/property.h': ['linux/device.h'],
  'linux/of.h': ['linux/mod_devicetable.h'],
  'linux/stacktrace.h': ['linux/types.h'],
  'linux/kdebug.h': ['linux/notifier.h'],
  'linux/seqlock_types.h': ['linux/seqlock.h'],
  'linux/device/driver.h': ['linux/device.h'],
  'linux/device/bus.h': ['linux/device.h'],
  'asm/uaccess.h': ['linux/uaccess.h'],
  'asm/io.h': ['linux/io.h'],
  'asm/current.h': ['linux/sched.h'],
  'asm/atomic.h': ['linux/atomic.h'],
  'asm/bitops.h': ['linux/bitops.h'],
  'asm/barrier.h': ['linux/compiler.h'],
  'asm/types.h': ['linux/types.h'],
  'asm/ioctl.h': ['linux/ioctl.h'],
  'asm/irq.h': ['linux/types.h'],
  'asm/delay.h': ['linux/delay.h'],
  'asm/div64.h': ['linux/kernel.h'],
  'asm/thread_info.h': ['linux/thread_info.h'],
  'asm/signal.h': ['linux/signal_types.h'],
  'asm/segment.h': ['linux/uaccess.h'],
  'asm/fcntl.h': ['linux/fcntl.h'],
  'asm/stat.h': ['linux/stat.h'],
  'asm/string.h': ['linux/string.h'],
  'asm/byteorder.h': ['linux/byteorder.h'],
  'asm/unaligned.h': ['linux/types.h'],
  'asm/pgtable.h': ['linux/mm.h'],
  'asm/cacheflush.h': ['linux/mm.h'],
  'asm/siginfo.h': ['linux/sched/signal.h'],
  'asm/poll.h': ['linux/eventpoll.h'],
  'asm/hardirq.h': ['linux/interrupt.h'],
  'asm/module.h': ['linux/module.h'],
  'asm/timex.h': ['linux/jiffies.h'],
  'uapi/linux/stat.h': ['linux/stat.h'],
  'linux/tty_driver.h': ['linux/tty.h'],
  'linux/tty_flip.h': ['linux/tty.h'],
  'linux/serial.h': ['linux/types.h'],
  'linux/console.h': ['linux/types.h'],
  'linux/vt_kern.h': ['linux/tty.h'],
  'linux/kd.h': ['linux/types.h'],
  'linux/console_struct.h': ['linux/tty.h'],
  'linux/etherdevice.h': ['linux/netdevice.h'],
  'linux/if_ether.h': ['linux/types.h'],
  'linux/inet.h': ['linux/in.h'],
  'linux/inetdevice.h': ['linux/netdevice.h'],
  'linux/ethtool.h': ['linux/netdevice.h'],
  'linux/blkdev.h': ['linux/fs.h'],
  'linux/bio.h': ['linux/fs.h'],
  'linux/buffer_head.h': ['linux/fs.h'],
  'linux/backing-dev.h': ['linux/fs.h'],
  'linux/pci.h': ['linux/device.h', 'linux/io.h'],
  'linux/usb.h': ['linux/device.h'],
  'linux/i2c.h': ['linux/device.h'],
  'linux/spi/spi.h': ['linux/device.h'],
  'linux/gpio.h': ['linux/types.h'],
  'linux/of_device.h': ['linux/of.h', 'linux/platform_device.h'],
  'linux/clk.h': ['linux/device.h'],
  'linux/firmware.h': ['linux/device.h'],
  'linux/crypto.h': ['linux/types.h', 'linux/slab.h'],
  'linux/security.h': ['linux/fs.h', 'linux/cred.h'],
  'linux/audit.h': ['linux/types.h'],
  'linux/binfmts.h': ['linux/sched.h', 'linux/fs.h'],
  'linux/kernel_stat.h': ['linux/percpu.h', 'linux/interrupt.h'],
  'linux/statfs.h': ['linux/types.h'],
  'linux/parser.h': ['linux/types.h'],
  'linux/ptrace.h': ['linux/sched.h', 'asm/ptrace.h'],
  'linux/ftrace.h': ['linux/types.h', 'linux/kallsyms.h'],
  'linux/tracepoint.h': ['linux/types.h'],
  'linux/compat.h': ['linux/types.h'],
  'linux/irqdomain.h': ['linux/irq.h'],
  'linux/leds.h': ['linux/device.h'],
  'linux/rtc.h': ['linux/device.h', 'linux/time.h'],
  'linux/nmi.h': ['linux/sched.h'],
  'linux/livepatch.h': ['linux/module.h'],
  'linux/cpufreq.h': ['linux/cpumask.h'],
  'linux/moduleloader.h': ['linux/module.h'],
  'linux/lockdep.h': ['linux/types.h'],
  'linux/pm.h': ['linux/types.h'],
  'linux/pm_runtime.h': ['linux/device.h'],
  'linux/prefetch.h': ['linux/types.h'],
  'linux/errseq.h': ['linux/types.h'],
  'linux/sockios.h': ['linux/types.h'],
  'linux/net.h': ['linux/types.h'],
  'linux/socket.h': ['linux/types.h'],
  'linux/if.h': ['linux/netdevice.h'],
  'linux/icmp.h': ['linux/skbuff.h'],
  'linux/mmzone.h': ['linux/mm.h'],
  'linux/page-flags.h': ['linux/mm.h'],
  'linux/rwlock_types.h': ['linux/spinlock_types.h'],
  'linux/irq_work.h': ['linux/llist.h'],
  'linux/task_work.h': ['linux/sched.h'],
  'linux/poll_types.h': ['linux/poll.h'],
  'linux/inotify.h': ['linux/types.h'],
  'linux/proc_ns.h': ['linux/types.h'],
  'linux/cpuset.h': ['linux/sched.h'],
  'linux/vmstat.h': ['linux/mm.h'],
  'linux/init_task.h': ['linux/sched.h'],
  'linux/rcutree.h': ['linux/rcupdate.h'],
  'linux/srcu.h': ['linux/rcupdate.h'],
  'linux/sched/topology.h': ['linux/sched.h'],
  'linux/sched/user.h': ['linux/sched.h'],
  'linux/sched/stat.h': ['linux/sched.h'],
  'linux/sched/xacct.h': ['linux/sched.h'],
  'net/sock.h': ['linux/skbuff.h'],
  'net/ip.h': ['linux/ip.h'],
  'net/tcp.h': ['linux/tcp.h'],
  'net/net_namespace.h': ['linux/netfilter.h'],
  'asm/tlbflush.h': ['linux/mm.h'],
  'asm/sections.h': ['linux/types.h'],
  'asm/switch_to.h': ['linux/sched.h'],
  'asm/cpufeature.h': ['linux/types.h'],
  'asm/sbi.h': ['linux/types.h'],
  'asm/csr.h': ['linux/types.h'],
  'asm/spinlock.h': ['linux/spinlock.h'],
  'asm/setup.h': ['linux/types.h'],
  'asm/syscall.h': ['linux/sched.h', 'asm/ptrace.h'],
  'asm/cmpxchg.h': ['linux/atomic.h'],
  'asm/linkage.h': ['linux/types.h'],
  'asm/errno-base.h': ['asm/errno.h'],
  'uapi/linux/errno.h': ['asm/errno.h'],
  'uapi/linux/types.h': ['linux/types.h'],
  'uapi/linux/fcntl.h': ['linux/fcntl.h'],
  'linux/linkage.h': ['linux/compiler.h'],
  'linux/static_key.h': ['linux/jump_label.h'],
  'linux/atomic/atomic-instrumented.h': ['linux/atomic.h'],
  'linux/instrumented.h': ['linux/types.h'],
  'generated/utsrelease.h': ['linux/version.h'],
};

/** Struct names used in prototypes that must be known before them. */
function forward(text: string): string {
  const names = new Set([...text.matchAll(/\b(struct|union) (\w+)/g)].map(([whole]) => whole));
  return [...names].map((name) => `${name};`).join(' ');
}

function prototypes(header: string, version: number, written: string): string {
  const lines = symbolsOf(version)
    .filter((symbol) => symbol.header === header && !written.includes(` ${symbol.name}(const char *name);`))
    .map(({ prototype }) => `extern ${prototype};`);
  return lines.length ? `${forward(lines.join('\n'))}\n${lines.join('\n')}` : '';
}

function structs(header: string, version: number): string {
  const text = structText(header, version);
  return text ? `${forward(text)}\n${text}` : '';
}

function errnoHeader(): string {
  return Object.entries(Errno)
    .map(([name, value]) => `#define ${name} ${value}\n`)
    .join('');
}

function versionHeader(release: string, version: number): string {
  const [major, minor, patch] = [version >> 16, (version >> 8) & 255, version & 255];
  return [
    `#define LINUX_VERSION_CODE ${version}`,
    '#define KERNEL_VERSION(a, b, c) (((a) << 16) + ((b) << 8) + ((c) > 255 ? 255 : (c)))',
    `#define LINUX_VERSION_MAJOR ${major}`,
    `#define LINUX_VERSION_PATCHLEVEL ${minor}`,
    `#define LINUX_VERSION_SUBLEVEL ${patch}`,
    `#define UTS_RELEASE "${release}"`,
    `#define VERMAGIC_STRING "${vermagic(release)}"`,
    '',
  ].join('\n');
}

/** Options that our kernel has, for `#ifdef CONFIG_…` in modules. */
const CONFIG = [
  'MODULES',
  'MODULE_UNLOAD',
  'MODVERSIONS',
  'SMP',
  '64BIT',
  'MMU',
  'RISCV',
  'PRINTK',
  'BUG',
].concat([
  'PROC_FS',
  'SYSFS',
  'DEBUG_FS',
  'KALLSYMS',
  'KPROBES',
  'NET',
  'HIGH_RES_TIMERS',
  'PREEMPT_VOLUNTARY',
]);

function autoconf(release: string): string {
  const options = CONFIG.filter((name) => name !== 'MODVERSIONS' || hasModversions(release));
  return `${options.map((name) => `#define CONFIG_${name} 1`).join('\n')}
#define CONFIG_HZ 250
#define IS_ENABLED(option) __is_defined(option)
#define IS_BUILTIN(option) __is_defined(option)
#define IS_REACHABLE(option) __is_defined(option)
#define IS_MODULE(option) 0
#define __ARG_PLACEHOLDER_1 0,
#define __take_second_arg(__ignored, val, ...) val
#define __is_defined(x) ___is_defined(x)
#define ___is_defined(val) ____is_defined(__ARG_PLACEHOLDER_##val)
#define ____is_defined(arg1_or_junk) __take_second_arg(arg1_or_junk 1, 0)
`;
}

function fill(header: string, text: string, version: number): string {
  return text
    .replace(/^\/\* @structs \*\/\n/m, () => `${structs(header, version)}\n`)
    .replace(/^\/\* @kapi \*\/\n/m, () => `${prototypes(header, version, text)}\n`);
}

/**
 * Puts what follows a comment `@line N` on line N, where compiler messages of a modern kernel name it; in older kernels the
 * comment just goes.
 */
function placeLines(header: string, text: string, modern: boolean): string {
  const lines: string[] = [];
  for (const line of text.split('\n')) {
    const wanted = /^\/\*@line (\d+)\*\/$/.exec(line)?.[1];
    if (wanted === undefined) lines.push(line);
    else if (modern) {
      if (lines.length > Number(wanted) - 1) throw new Error(`${header}: line ${wanted} is already past`);
      while (lines.length < Number(wanted) - 1) lines.push('');
    }
  }
  return lines.join('\n');
}

/** Every header of that kernel by its path below `include/`, in order. */
export function kernelHeaders(release: string): Map<string, string> {
  const version = versionCode(release);
  const texts = new Map<string, string>();
  for (const entry of readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).sort()) {
    if (entry.endsWith('.h')) texts.set(entry, readFileSync(SOURCES + entry, 'utf8'));
  }
  for (const [header, includes] of Object.entries(THIN)) {
    if (texts.has(header)) throw new Error(`${header} is both written and listed as thin`);
    const lines = includes.map((name) => `#include <${name}>\n`).join('');
    texts.set(header, `${lines}/* @structs */\n/* @kapi */\n`);
  }
  texts.set('asm/errno.h', errnoHeader());
  texts.set('linux/version.h', versionHeader(release, version));
  texts.set('generated/autoconf.h', autoconf(release));
  const headers = new Map<string, string>();
  for (const [header, text] of texts) {
    const guard = `_${header.replaceAll(/\W/g, '_').toUpperCase()}`;
    const filled = `#ifndef ${guard}\n#define ${guard}\n${fill(header, text, version)}#endif\n`;
    headers.set(header, placeLines(header, filled, version >= versionCode('5.0.0')));
  }
  for (const { header, name } of symbolsOf(version)) {
    if (!headers.has(header)) throw new Error(`${name} is declared for ${header}, which does not exist`);
  }
  return headers;
}
