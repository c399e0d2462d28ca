/** Courses: the tenants. Always true: what a course's row does not say of its settings has the default below. */
import type { VmQuotas } from '../host/types.ts';
import { Checks, isGone, isTaken, SLUG, SLUG_RULE, TEXT, TEXT_RULE } from './checks.ts';
import type { Prisma, PrismaClient } from './database/index.ts';
import { isId, newId, pageOf, pageQuery } from './ids.ts';
import { type CourseRecord, type CourseService, type CourseSettings, LabError } from './types.ts';

/** What a machine gets where its course says nothing else. */
export const DEFAULT_QUOTAS: VmQuotas = {
  memoryMiB: 512,
  diskMiB: 2048,
  maxTasks: 512,
  maxOpenFiles: 8192,
  cpuShare: 100,
  outputBytesPerSec: 2 << 20,
};
export const DEFAULT_SETTINGS: CourseSettings = {
  taMayWrite: false,
  studentsMayCreate: true,
  sshPasswords: false,
  vmsPerPerson: 4,
  quotas: DEFAULT_QUOTAS,
};

/** Lowest and highest of each quota. */
export const QUOTA_LIMITS: Record<keyof VmQuotas, readonly [number, number]> = {
  memoryMiB: [32, 3072],
  diskMiB: [1, 65_536],
  maxTasks: [16, 32_768],
  maxOpenFiles: [64, 1_048_576],
  cpuShare: [1, 10_000],
  outputBytesPerSec: [1024, 1_000_000_000],
};

export type CourseRow = Prisma.CourseGetPayload<object>;

export function courseRecord(row: CourseRow): CourseRecord {
  const kept = row.settings as Partial<CourseSettings>;
  return {
    id: row.id,
    slug: row.slug,
    title: row.title,
    settings: { ...DEFAULT_SETTINGS, ...kept, quotas: { ...DEFAULT_QUOTAS, ...kept.quotas } },
    createdAt: row.createdAt.toISOString(),
  };
}

/** Where a course is found by id or slug; null when the text can be neither. */
export function courseWhere(ref: string): { id: string } | { slug: string } | null {
  if (isId(ref)) return { id: ref };
  return SLUG.test(ref) ? { slug: ref } : null;
}

/** Settings as the JSON column takes them. */
const plain = (settings: Partial<CourseSettings>) => settings as Prisma.InputJsonObject;

export const noSuchCourse = () => new LabError('not-found', 'There is no such course.', [], 'no-such-course');

export function checkQuotas(checks: Checks, where: string, quotas: Partial<VmQuotas> | undefined): void {
  for (const [name, [low, high]] of Object.entries(QUOTA_LIMITS))
    checks.number(`${where}/${name}`, quotas?.[name as keyof VmQuotas], low, high);
}

function checkSettings(checks: Checks, settings: Partial<CourseSettings> | undefined): void {
  checks.number('/settings/vmsPerPerson', settings?.vmsPerPerson, 0, 1000);
  checkQuotas(checks, '/settings/quotas', settings?.quotas);
}

export function coursesService(db: PrismaClient, changed: () => void): CourseService {
  return {
    async get(ref) {
      const where = courseWhere(ref);
      const row = where && (await db.course.findUnique({ where }));
      if (!row) throw noSuchCourse();
      return courseRecord(row);
    },
    async list(principal, page) {
      const query = pageQuery(page);
      const visible = {
        ...(principal.admin ? {} : { memberships: { some: { personId: principal.personId } } }),
        ...(principal.courseId === null ? {} : { id: principal.courseId }),
      };
      const rows = await db.course.findMany({ ...query, where: { AND: [query.where, visible] } });
      return pageOf(query, rows, courseRecord);
    },
    async create({ slug, title, settings }) {
      const checks = new Checks();
      checks.fits('/slug', slug, SLUG, SLUG_RULE);
      if (isId(slug)) checks.errors.push({ where: '/slug', message: 'must not look like an id' });
      checks.fits('/title', title, TEXT, TEXT_RULE);
      checkSettings(checks, settings);
      checks.done('The course');
      try {
        return courseRecord(
          await db.course.create({ data: { id: newId(), slug, title, settings: plain(settings ?? {}) } }),
        );
      } catch (error) {
        if (isTaken(error)) throw new LabError('exists', `There is a course ${slug} already.`);
        throw error;
      }
    },
    async update(id, { title, settings }) {
      const checks = new Checks();
      checks.fits('/title', title, TEXT, TEXT_RULE, true);
      checkSettings(checks, settings);
      checks.done('The change');
      const record = await db.$transaction(async (tx) => {
        const row = await tx.course.findUnique({ where: { id } });
        if (!row) throw noSuchCourse();
        const kept = row.settings as Partial<CourseSettings>;
        const merged: Partial<CourseSettings> = {
          ...kept,
          ...settings,
          quotas: { ...DEFAULT_QUOTAS, ...kept.quotas, ...settings?.quotas },
        };
        return courseRecord(
          await tx.course.update({
            where: { id },
            data: { title: title ?? row.title, settings: plain(merged) },
          }),
        );
      });
      changed();
      return record;
    },
    async remove(id) {
      const vms = await db.vm.count({ where: { courseId: id } });
      if (vms > 0)
        throw new LabError(
          'wrong-state',
          `The course still has ${vms} VM${vms === 1 ? '' : 's'}: delete them first.`,
        );
      try {
        await db.course.delete({ where: { id } });
      } catch (error) {
        if (isGone(error)) throw noSuchCourse();
        throw error;
      }
      changed();
    },
  };
}
