/** How a machine looks from outside, and how a lab record becomes that. */
import { type Static, Type } from 'typebox';
import type { VmQuotas } from '../host/types.ts';
import { VM_NAME } from '../lab/checks.ts';
import { QUOTA_LIMITS } from '../lab/courses.ts';
import type { SnapshotRecord, VmView } from '../lab/types.ts';
import { Body, oneOf, orNull } from './schema.ts';

export const VM_STATES = ['BUILD', 'ACTIVE', 'SHUTOFF', 'SUSPENDED', 'ERROR'] as const;
export const HEALTH = ['running', 'oopsed', 'panicked', 'halted', 'simulator bug'] as const;

const quota = (name: keyof VmQuotas, description?: string) => {
  const [minimum, maximum] = QUOTA_LIMITS[name];
  return Type.Integer({ minimum, maximum, ...(description === undefined ? {} : { description }) });
};
const quotaProperties = {
  memoryMiB: quota('memoryMiB'),
  diskMiB: quota('diskMiB'),
  maxTasks: quota('maxTasks'),
  maxOpenFiles: quota('maxOpenFiles'),
  cpuShare: quota('cpuShare', 'weight among busy VMs; 100 is normal'),
  outputBytesPerSec: quota('outputBytesPerSec'),
} satisfies Record<keyof VmQuotas, unknown>;
export const Quotas = Type.Object(quotaProperties);
export const QuotaChange = Body(
  Object.fromEntries(
    Object.entries(quotaProperties).map(([name, schema]) => [name, Type.Optional(schema)]),
  ) as { [K in keyof typeof quotaProperties]: ReturnType<typeof Type.Optional<(typeof quotaProperties)[K]>> },
);

/** A machine's name is its first host name. */
export const VmName = Type.String({
  pattern: VM_NAME.source,
  description: 'lower-case letters, digits and hyphens, as in a host name',
});

const Usage = Type.Object({ quotaBytes: Type.Number(), usedBytes: Type.Number() });

/** A machine. */
export const Vm = Type.Object({
  id: Type.String(),
  name: Type.String(),
  course: Type.Object({ id: Type.String(), slug: Type.String() }),
  owner: Type.Object({ id: Type.String(), login: Type.String() }),
  address: Type.String({ description: "127.x.y.z, the VM's for life" }),
  state: oneOf(VM_STATES, { description: 'as OpenStack names them' }),
  fault: orNull(Type.String({ description: 'why ERROR' })),
  kernel: orNull(
    Type.Object({
      release: Type.String(),
      health: oneOf(HEALTH),
      taint: Type.Integer({ description: 'bits of /proc/sys/kernel/tainted' }),
      uptimeSec: Type.Number(),
    }),
  ),
  image: orNull(Type.String()),
  deterministic: Type.Boolean(),
  quotas: Quotas,
  memory: orNull(Usage),
  disk: orNull(Usage),
  instructions: orNull(Type.Number({ description: 'retired since it was made' })),
  forkedFrom: orNull(Type.String()),
  createdAt: Type.String(),
});
export type Vm = Static<typeof Vm>;

/** What the API shows of a machine. */
export function showVm(vm: VmView): Vm {
  const { status } = vm;
  return {
    id: vm.id,
    name: vm.name,
    course: { id: vm.courseId, slug: vm.courseSlug },
    owner: { id: vm.ownerId, login: vm.ownerLogin },
    address: vm.address,
    state: status?.state ?? (vm.state === 'BUILD' ? 'BUILD' : 'ERROR'),
    fault: vm.fault,
    kernel: status?.kernel ?? null,
    image: vm.image,
    deterministic: vm.deterministic,
    quotas: vm.quotas,
    memory: status?.memory ?? null,
    disk: status?.disk ?? null,
    instructions: status?.instructions ?? null,
    forkedFrom: vm.forkedFrom,
    createdAt: vm.createdAt,
  };
}

/** A snapshot of memory and disk. */
export const Snapshot = Type.Object({
  id: Type.String(),
  name: Type.String(),
  bytes: Type.Number(),
  createdAt: Type.String(),
});

export const showSnapshot = ({ id, name, bytes, createdAt }: SnapshotRecord): Static<typeof Snapshot> => ({
  id,
  name,
  bytes,
  createdAt,
});
