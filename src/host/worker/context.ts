/** What every part of a worker shares. One worker, one machine, one store. */
import type { Machine } from '../../cpu/index.ts';
import type { Image } from '../../image/index.ts';
import type { Vm } from '../../vm/index.ts';
import type { WorkerStart } from '../calls.ts';
import type { Images } from '../store-images.ts';
import type { VmStore } from '../store-types.ts';
import type { VmEvent } from '../types.ts';
import type { Resident } from './resident.ts';
import type { Scheduler } from './scheduler.ts';
import type { Send } from './streams.ts';

export interface WorkerContext {
  readonly start: WorkerStart;
  readonly machine: Machine;
  /** The image that new machines lie over. */
  readonly image: Image;
  /** The image that any machine lies over. */
  readonly images: Images;
  readonly store: VmStore;
  readonly scheduler: Scheduler<Resident>;
  readonly residents: Map<string, Resident>;
  /** Booted machines that new ones are forked from, by what they were booted with. */
  readonly templates: Map<string, Vm>;
  /** Which machine a stream belongs to. */
  readonly handles: Map<number, Resident>;
  readonly send: Send;
  readonly log: (level: 'info' | 'warn' | 'error', message: string, fields?: Record<string, unknown>) => void;
  readonly event: (event: VmEvent) => void;
  /** Has the loop look again soon. */
  readonly kick: () => void;
  readonly counters: Record<string, number>;
  closing: boolean;
}

export function tell(
  w: WorkerContext,
  r: Resident,
  kind: VmEvent['kind'],
  detail: VmEvent['detail'] = {},
): void {
  w.event({ vmId: r.id, timeMs: Date.now(), kind, detail });
}

/** There is something to do for a machine. */
export function wake(w: WorkerContext, r: Resident): void {
  w.scheduler.wake(r);
  w.kick();
}
