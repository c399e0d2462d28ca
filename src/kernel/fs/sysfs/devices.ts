/**
 * /sys/devices, /sys/class and /sys/dev, made from `k.drivers.devices` and `k.drivers.classes` (drivers/base/core.c of 4.15).
 * Always true: a device appears here from its registration to its removal; nothing else has to be told.
 */
import type { Device } from '../../drivers/types.ts';
import type { Kernel } from '../../kernel.ts';
import { type DirNode, type KernfsNode, link, type NodeContext } from '../kernfs.ts';
import { deviceNumber, major, minor } from '../proc/format.ts';
import { attribute, group, powerGroup, storeUevent } from './attribute.ts';

const deviceAt = (k: Kernel, path: string): Device | undefined =>
  k.drivers.devices.find((device) => device.devpath === path);

const pathOf = (ctx: NodeContext): string => ctx.params.path as string;

/** The device a node belongs to; undefined when it has just gone. */
const deviceOf = (k: Kernel, ctx: NodeContext): Device | undefined => deviceAt(k, pathOf(ctx));

/** Names in sysfs have no slash. */
const kobjectName = (name: string): string => name.replaceAll('/', '!');

/** The variables of a device's event, as its uevent file shows them (dev_uevent). */
export function ueventText(device: Device): string {
  let text = '';
  if (device.rdev !== 0) {
    text += `MAJOR=${major(device.rdev)}\nMINOR=${minor(device.rdev)}\n`;
    if (device.node !== null) text += `DEVNAME=${device.node}\n`;
  }
  for (const [name, value] of Object.entries(device.uevent)) text += `${name}=${value}\n`;
  return text;
}

const devFile = attribute((k, ctx) => {
  const device = deviceOf(k, ctx);
  return device ? `${deviceNumber(device.rdev)}\n` : '';
});
const ueventFile = attribute(
  (k, ctx) => {
    const device = deviceOf(k, ctx);
    return device ? ueventText(device) : '';
  },
  { store: storeUevent },
);
const subsystemLink = link((k, ctx) => {
  const up = '../'.repeat(pathOf(ctx).split('/').length + 1);
  return `${up}class/${deviceOf(k, ctx)?.class ?? ''}`;
});
/** An attribute kept as text with the device; the name is the last of the path. */
const textFile = attribute((k, ctx) => deviceOf(k, ctx)?.attributes[ctx.names[ctx.names.length - 1]] ?? '');
const attributeGroup: DirNode = {
  type: 'dir',
  mode: 0o755,
  children: new Map(),
  *list(k, ctx) {
    const prefix = `${ctx.names[ctx.names.length - 1]}/`;
    for (const name of Object.keys(deviceOf(k, ctx)?.attributes ?? {}))
      if (name.startsWith(prefix)) yield [name.slice(prefix.length), groupedFile] as [string, KernfsNode];
  },
  find(k, ctx, name) {
    const full = `${ctx.names[ctx.names.length - 1]}/${name}`;
    return deviceOf(k, ctx)?.attributes[full] === undefined ? null : { node: groupedFile };
  },
};
/** An attribute of a named group, declared as `group/name`. */
const groupedFile = attribute((k, ctx) => deviceOf(k, ctx)?.attributes[ctx.names.slice(-2).join('/')] ?? '');

/** Files of a device itself, without the devices below it. */
function ownChildren(device: Device): Map<string, KernfsNode> {
  const own = new Map<string, KernfsNode>();
  if (device.rdev !== 0) own.set('dev', devFile);
  for (const name of Object.keys(device.attributes)) {
    const slash = name.indexOf('/');
    if (slash < 0) own.set(name, textFile);
    else own.set(name.slice(0, slash), attributeGroup);
  }
  own.set('power', powerGroup);
  if (device.class !== null) own.set('subsystem', subsystemLink);
  own.set('uevent', ueventFile);
  return own;
}

/** Directories that exist though no device lies below them. */
const standing = new Set(['platform', 'virtual']);

/** Names of the next components of all devices below `path`. */
function below(k: Kernel, path: string): Set<string> {
  const names = new Set<string>();
  const prefix = path === '' ? '' : `${path}/`;
  for (const { devpath } of k.drivers.devices)
    if (devpath.startsWith(prefix)) names.add(devpath.slice(prefix.length).split('/', 1)[0]);
  if (path === '') for (const name of standing) names.add(name);
  names.delete('');
  return names;
}

/** A directory on the way to devices, a device, or both. `params.path` is its path below /sys/devices. */
const deviceDir: DirNode = {
  type: 'dir',
  mode: 0o755,
  children: new Map(),
  *list(k, ctx) {
    const device = deviceOf(k, ctx);
    if (device) yield* ownChildren(device);
    for (const name of below(k, pathOf(ctx))) yield [name, deviceDir] as [string, KernfsNode];
  },
  find(k, ctx, name) {
    const path = pathOf(ctx);
    const device = deviceAt(k, path);
    const own = device ? ownChildren(device).get(name) : undefined;
    if (own) return { node: own };
    return below(k, path).has(name) ? { node: deviceDir, params: { path: `${path}/${name}` } } : null;
  },
};

/** /sys/devices; `fixed` are the directories that no registered device makes. */
export const devicesDir = (fixed: Record<string, KernfsNode>): DirNode =>
  group(fixed, {
    *list(k) {
      for (const name of below(k, '')) yield [name, deviceDir] as [string, KernfsNode];
    },
    find: (k, _ctx, name) => (below(k, '').has(name) ? { node: deviceDir, params: { path: name } } : null),
  });

// ── Links to devices ───────────────────────────────────────────────────────────────────────────────────────────

const linkToDevice = link((_k, ctx) => `../../devices/${pathOf(ctx)}`);

const inClass = (k: Kernel, name: string): Device[] =>
  k.drivers.devices.filter((device) => device.class === name);

const classDir: DirNode = {
  type: 'dir',
  mode: 0o755,
  children: new Map(),
  *list(k, ctx) {
    for (const device of inClass(k, ctx.params.class))
      yield [kobjectName(device.name), linkToDevice] as [string, KernfsNode];
  },
  find(k, ctx, name) {
    const device = inClass(k, ctx.params.class).find((each) => kobjectName(each.name) === name);
    return device ? { node: linkToDevice, params: { path: device.devpath } } : null;
  },
};

function classNames(k: Kernel): Set<string> {
  const names = new Set(k.drivers.classes.map((each) => each.name));
  for (const device of k.drivers.devices) if (device.class !== null) names.add(device.class);
  return names;
}

/** /sys/class. */
export const classesDir: DirNode = group(
  {},
  {
    *list(k) {
      for (const name of classNames(k)) yield [name, classDir] as [string, KernfsNode];
    },
    find: (k, _ctx, name) => (classNames(k).has(name) ? { node: classDir, params: { class: name } } : null),
  },
);

/** /sys/dev/char and /sys/dev/block. */
export const numbersDir = (block: boolean): DirNode =>
  group(
    {},
    {
      *list(k) {
        for (const device of k.drivers.devices)
          if (device.rdev !== 0 && device.block === block)
            yield [deviceNumber(device.rdev), linkToDevice] as [string, KernfsNode];
      },
      find(k, _ctx, name) {
        const device = k.drivers.devices.find(
          (each) => each.rdev !== 0 && each.block === block && deviceNumber(each.rdev) === name,
        );
        return device ? { node: linkToDevice, params: { path: device.devpath } } : null;
      },
    },
  );
