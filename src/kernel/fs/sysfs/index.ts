/** The sysfs file system: one declaration of its tree; devices and classes come from the drivers room. */
import { Errno } from '../../abi/errno.ts';
import { type KernfsNode, link } from '../kernfs.ts';
import { defineKernfs } from '../kernfs-fs.ts';
import { attribute, constant, group, parameter, powerGroup, trigger, ueventTrigger } from './attribute.ts';
import { classesDir, devicesDir, numbersDir } from './devices.ts';

const cpuTopology = group({
  core_id: constant('0\n'),
  core_siblings: constant('1\n'),
  core_siblings_list: constant('0\n'),
  physical_package_id: constant('0\n'),
  thread_siblings: constant('1\n'),
  thread_siblings_list: constant('0\n'),
});

const cpus = group({
  cpu0: group({
    power: powerGroup,
    subsystem: link('../../../../bus/cpu'),
    topology: cpuTopology,
    uevent: constant('DRIVER=processor\n', 0o644),
  }),
  isolated: constant('\n'),
  kernel_max: constant('0\n'),
  offline: constant('\n'),
  online: constant('0\n'),
  possible: constant('0\n'),
  power: powerGroup,
  present: constant('0\n'),
  uevent: ueventTrigger,
});

const clocksource = group({
  clocksource0: group({
    available_clocksource: constant('riscv_clocksource \n'),
    current_clocksource: constant('riscv_clocksource\n', 0o644),
    power: powerGroup,
    subsystem: link('../../../../bus/clocksource'),
    uevent: constant('', 0o644),
  }),
  power: powerGroup,
  uevent: ueventTrigger,
});

const memoryNode = group({
  has_cpu: constant('0\n'),
  has_memory: constant('0\n'),
  has_normal_memory: constant('0\n'),
  node0: group({
    cpulist: constant('0\n'),
    cpumap: constant('1\n'),
    distance: constant('10\n'),
    cpu0: link('../../cpu/cpu0'),
    uevent: constant('', 0o644),
  }),
  online: constant('0\n'),
  possible: constant('0\n'),
  uevent: ueventTrigger,
});

const bus = (devices: Record<string, KernfsNode>): KernfsNode =>
  group({
    devices: group(devices),
    drivers: group(),
    drivers_autoprobe: constant('1\n', 0o644),
    drivers_probe: trigger(() => -Errno.EINVAL),
    uevent: ueventTrigger,
  });

/** A built-in module that shows parameters. */
const builtin = (name: string, parameters: Record<string, [initial: string, mode: number]>): KernfsNode =>
  group({
    parameters: group(
      Object.fromEntries(
        Object.entries(parameters).map(([key, [initial, mode]]) => [
          key,
          parameter(name, key, initial, mode),
        ]),
      ),
    ),
    uevent: ueventTrigger,
  });

/** An ELF note as /sys/kernel/notes shows it: the GNU build id of the running kernel, made from its version. */
function buildId(release: string, version: string): string {
  let hash = 0x811c9dc5;
  let id = '';
  for (let i = 0; i < 20; i++) {
    for (const c of `${release} ${version}`) hash = Math.imul(hash ^ c.charCodeAt(0) ^ i, 0x01000193);
    id += String.fromCharCode(hash >>> 24);
  }
  return `\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0${id}`;
}

defineKernfs({
  name: 'sysfs',
  magic: 0x62656572,
  single: true,
  createError: { dir: -Errno.EPERM, other: -Errno.EACCES },
  rootMode: 0o555,
  root: group({
    block: group(),
    bus: group({
      clocksource: bus({ clocksource0: link('../../../devices/system/clocksource/clocksource0') }),
      cpu: bus({ cpu0: link('../../../devices/system/cpu/cpu0') }),
      node: bus({ node0: link('../../../devices/system/node/node0') }),
      platform: bus({}),
    }),
    class: classesDir,
    dev: group({ block: numbersDir(true), char: numbersDir(false) }),
    devices: devicesDir({ system: group({ clocksource, cpu: cpus, node: memoryNode }) }),
    firmware: group(),
    fs: group({
      cgroup: group(),
      ext4: group({ features: group({ lazy_itable_init: constant('supported\n') }) }),
    }),
    kernel: group({
      debug: group({}, { mode: 0o700 }),
      fscaps: constant('1\n'),
      kexec_crash_loaded: constant('0\n'),
      kexec_loaded: constant('0\n'),
      mm: group(),
      notes: attribute((k) => buildId(k.identity.release, k.identity.version), { size: 36 }),
      profiling: constant('0\n', 0o644),
      rcu_expedited: constant('0\n', 0o644),
      rcu_normal: constant('0\n', 0o644),
      security: group(),
      tracing: group({}, { mode: 0o700 }),
      uevent_helper: constant('\n', 0o644),
      uevent_seqnum: attribute((k) => `${k.drivers.ueventSeq}\n`),
    }),
    module: group(
      {
        kernel: builtin('kernel', {
          consoleblank: ['0', 0o444],
          crash_kexec_post_notifiers: ['N', 0o644],
          initcall_debug: ['N', 0o644],
          panic: ['0', 0o644],
          panic_on_warn: ['0', 0o644],
          pause_on_oops: ['0', 0o644],
        }),
        module: builtin('module', { sig_enforce: ['N', 0o444] }),
        printk: builtin('printk', {
          always_kmsg_dump: ['N', 0o644],
          console_suspend: ['Y', 0o644],
          ignore_loglevel: ['N', 0o644],
          time: ['Y', 0o644],
        }),
        sysrq: builtin('sysrq', { sysrq_downtime_ms: ['0', 0o644] }),
        workqueue: builtin('workqueue', { disable_numa: ['N', 0o444], power_efficient: ['N', 0o444] }),
      },
      {
        // What modules may be compressed with, told since 5.19.
        *list(k) {
          if (!k.identity.release.startsWith('4.'))
            yield ['compression', constant('xz\n')] as [string, KernfsNode];
        },
        find: (k, _ctx, name) =>
          name === 'compression' && !k.identity.release.startsWith('4.') ? { node: constant('xz\n') } : null,
      },
    ),
    power: group({
      pm_async: constant('1\n', 0o644),
      pm_freeze_timeout: constant('20000\n', 0o644),
      state: attribute(() => '\n', { store: () => -Errno.EINVAL }),
      wakeup_count: constant('0\n', 0o644),
    }),
  }),
});

export { storeUevent } from './attribute.ts';
export { ueventText } from './devices.ts';
