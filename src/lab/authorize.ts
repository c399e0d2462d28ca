/**
 * The access table applied to principals and rows. Always true: a part in a course counts as it is now (what is remembered is
 * dropped at every change through the lab, and after two seconds anyway); a token's own role counts only while its person could
 * still give it.
 */
import {
  type Action,
  type CourseAction,
  decide,
  decideLab,
  isVmAction,
  type LabAction,
  type Relation,
  type VmAction,
} from './access.ts';
import { courseRecord, courseWhere, noSuchCourse } from './courses.ts';
import type { PrismaClient } from './database/index.ts';
import { Expiring } from './expiring.ts';
import { isId } from './ids.ts';
import { type CourseRecord, LabError, type Principal, type Role, type VmRecord } from './types.ts';
import { vmRecord } from './vm-record.ts';

const REMEMBERED_MS = 2000;

export const noSuchVm = () => new LabError('not-found', 'There is no such VM.', [], 'no-such-vm');
const forbidden = (action: Action) => new LabError('forbidden', `You may not do this here (${action}).`);

/** What a member of a course is there by way of a token. */
export function relationsOf(
  principal: Principal,
  courseId: string,
  part: Role | undefined,
  ownerId?: string,
): Relation[] {
  if (principal.courseId !== null && principal.courseId !== courseId) return ['stranger'];
  if (principal.admin) return ['admin'];
  const held = principal.role ?? part;
  if (held === undefined || part === undefined) return ['stranger'];
  if (held !== part && !(part === 'instructor' && held === 'grader')) return ['stranger'];
  return ownerId === principal.personId ? [held, 'owner'] : [held];
}

export class Authorizer {
  private readonly db: PrismaClient;
  private readonly parts = new Expiring<Role | undefined>(REMEMBERED_MS, 20_000);
  private readonly courses = new Expiring<CourseRecord>(REMEMBERED_MS, 2000);
  private readonly vms = new Expiring<VmRecord>(REMEMBERED_MS, 20_000);

  constructor(db: PrismaClient) {
    this.db = db;
  }

  /** To be called after every change of courses, members or machines. */
  readonly forget = (): void => {
    this.parts.clear();
    this.courses.clear();
    this.vms.clear();
  };

  /** For actions on neither a course nor a machine. */
  authorize(principal: Principal, action: Action): void {
    if (decideLab(action as LabAction, principal) !== 'allow') throw forbidden(action);
  }

  async authorizeCourse(principal: Principal, action: Action, courseRef: string): Promise<CourseRecord> {
    const course = await this.course(courseRef);
    const relations = await this.relations(principal, { courseId: course.id });
    const verdict = decide(action as CourseAction, relations, course.settings);
    if (verdict === 'hidden') throw noSuchCourse();
    if (verdict === 'forbidden') throw forbidden(action);
    return course;
  }

  async authorizeVm(principal: Principal, action: Action, vmId: string): Promise<VmRecord> {
    const vm = await this.vm(vmId);
    const verdict = await this.verdict(principal, action, vm);
    if (verdict === 'hidden') throw noSuchVm();
    if (verdict === 'forbidden') throw forbidden(action);
    return vm;
  }

  async may(principal: Principal, action: Action, vm: VmRecord): Promise<boolean> {
    return (await this.verdict(principal, action, vm)) === 'allow';
  }

  async relations(
    principal: Principal,
    target: { courseId?: string; ownerId?: string },
  ): Promise<Relation[]> {
    const { courseId, ownerId } = target;
    if (courseId === undefined) return principal.admin ? ['admin'] : ['stranger'];
    return relationsOf(principal, courseId, await this.part(principal, courseId), ownerId);
  }

  private async verdict(principal: Principal, action: Action, vm: VmRecord) {
    if (!isVmAction(action)) throw new Error(`${action} is no action on a machine`);
    const relations = await this.relations(principal, vm);
    const { settings } = await this.course(vm.courseId);
    return decide(action satisfies VmAction, relations, settings);
  }

  /** What the person is in the course; an admin whose token is bound to a course is its instructor there. */
  private async part({ personId, admin }: Principal, courseId: string): Promise<Role | undefined> {
    if (admin) return undefined;
    const key = `${personId} ${courseId}`;
    if (this.parts.has(key)) return this.parts.get(key);
    const [row, person] = await Promise.all([
      this.db.membership.findUnique({ where: { courseId_personId: { courseId, personId } } }),
      this.db.person.findUnique({ where: { id: personId }, select: { admin: true } }),
    ]);
    const part = person?.admin ? 'instructor' : row?.role;
    this.parts.put(key, part);
    return part;
  }

  private async course(ref: string): Promise<CourseRecord> {
    const where = courseWhere(ref);
    if (!where) throw noSuchCourse();
    const seen = this.courses.get(ref);
    if (seen) return seen;
    const row = await this.db.course.findUnique({ where });
    if (!row) throw noSuchCourse();
    const record = courseRecord(row);
    this.courses.put(ref, record);
    return record;
  }

  private async vm(id: string): Promise<VmRecord> {
    const seen = this.vms.get(id);
    if (seen) return seen;
    const row = isId(id)
      ? await this.db.vm.findUnique({ where: { id }, include: { course: true, owner: true } })
      : null;
    if (!row || row.state === 'DELETING') throw noSuchVm();
    const record = vmRecord(row);
    this.vms.put(id, record);
    return record;
  }
}
