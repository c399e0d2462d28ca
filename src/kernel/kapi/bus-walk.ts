/** Walks over what is on a bus, has a driver, lies below a device or is in a class (bus_for_each_dev and its like). */
import type { Vaddr } from '../../cpu/machine.ts';
import type { Kernel } from '../kernel.ts';
import { call } from '../module/runtime.ts';
import { defineStep, type Outcome } from '../outcome.ts';
import { getField, int } from './access.ts';
import { busAt } from './bus.ts';
import { kapi } from './registry.ts';
import { kapiRoom } from './room.ts';

interface Walk {
  fn: Vaddr;
  data: number;
  left: Vaddr[];
  /** Whether a true answer is a find: then the answer is the object. */
  find: boolean;
  now: Vaddr;
}
function walk(state: Walk): Outcome {
  const next = state.left.shift();
  if (next === undefined) return 0;
  state.now = next;
  return call(state.fn, [next, state.data], { step: 'bus.walked', state });
}
defineStep('bus.walked', (_k, _task, state: Walk, entry) => {
  const result = entry.by === 'result' ? int(entry.value) : 0;
  if (result !== 0) return state.find ? state.now : result;
  return walk(state);
});
const after = (list: readonly Vaddr[], start: Vaddr): Vaddr[] =>
  start === 0 ? [...list] : list.slice(list.indexOf(start) + 1);
kapi('bus_for_each_dev', (k, _task, [bus, start, data, fn]) =>
  walk({ fn, data, left: after(busAt(k, bus)?.devices ?? [], start), find: false, now: 0 }),
);
kapi('bus_for_each_drv', (k, _task, [bus, start, data, fn]) =>
  walk({
    fn,
    data,
    left: after(
      (busAt(k, bus)?.drivers ?? []).map(({ address }) => address),
      start,
    ),
    find: false,
    now: 0,
  }),
);
kapi('bus_find_device', (k, _task, [bus, start, data, fn]) =>
  walk({ fn, data, left: after(busAt(k, bus)?.devices ?? [], start), find: true, now: 0 }),
);
kapi('driver_for_each_device', (k, _task, [driver, start, data, fn]) => {
  const bus = busAt(k, getField(k, 'device_driver', driver, 'bus') ?? 0);
  const devices = bus?.drivers.find((each) => each.address === driver)?.devices ?? [];
  return walk({ fn, data, left: after(devices, start), find: false, now: 0 });
});
const addressesOf = (k: Kernel, keep: (device: (typeof k.drivers.devices)[number]) => boolean): Vaddr[] =>
  k.drivers.devices
    .filter((each) => each.data?.address !== undefined && keep(each))
    .map(({ data }) => data.address);
kapi('device_for_each_child', (k, _task, [device, data, fn]) => {
  const left = addressesOf(k, () => true).filter((each) => getField(k, 'device', each, 'parent') === device);
  return walk({ fn, data, left, find: false, now: 0 });
});
kapi('class_find_device', (k, _task, [cls, start, data, fn]) => {
  const name = kapiRoom(k).classes.get(cls);
  return walk({
    fn,
    data,
    left: after(
      addressesOf(k, (each) => each.class === name),
      start,
    ),
    find: true,
    now: 0,
  });
});
