/** Machines' rows as records. */
import type { VmQuotas } from '../host/types.ts';
import { DEFAULT_QUOTAS } from './courses.ts';
import type { Prisma } from './database/index.ts';
import type { SnapshotRecord, VmRecord } from './types.ts';

export type VmRow = Prisma.VmGetPayload<{ include: { course: true; owner: true } }>;
export const withNames = { course: true, owner: true } as const;

export const vmRecord = (row: VmRow): VmRecord => ({
  id: row.id,
  courseId: row.courseId,
  courseSlug: row.course.slug,
  ownerId: row.ownerId,
  ownerLogin: row.owner.login,
  name: row.name,
  address: row.address,
  image: row.image,
  kernel: row.kernel,
  deterministic: row.deterministic,
  quotas: { ...DEFAULT_QUOTAS, ...(row.quotas as Partial<VmQuotas>) },
  forkedFrom: row.forkedFrom,
  state: row.state,
  fault: row.fault,
  createdAt: row.createdAt.toISOString(),
});

export const snapshotRecord = (row: Prisma.SnapshotGetPayload<object>): SnapshotRecord => ({
  id: row.id,
  vmId: row.vmId,
  name: row.name,
  bytes: Number(row.bytes),
  createdAt: row.createdAt.toISOString(),
});
