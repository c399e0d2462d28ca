/** Tokens for programs. Always true: a token can do no more than who made it, and its text is shown once. */

import type { Action, Relation } from './access.ts';
import { hashToken, newToken } from './auth.ts';
import { Checks, LABEL, LABEL_RULE } from './checks.ts';
import type { Prisma, PrismaClient } from './database/index.ts';
import { isId, newId, pageOf, pageQuery } from './ids.ts';
import { type CourseRecord, LabError, type Principal, type TokenRecord, type TokenService } from './types.ts';

const DAY = 86_400;
const DEFAULT_LIFE_SEC = 90 * DAY;
const LONGEST_LIFE_SEC = 366 * DAY;
const TOKENS_PER_PERSON = 200;

const tokenRecord = (row: Prisma.ApiTokenGetPayload<object>): TokenRecord => ({
  id: row.id,
  name: row.name,
  kind: row.kind,
  personId: row.personId,
  courseId: row.courseId,
  role: row.role,
  createdAt: row.createdAt.toISOString(),
  expiresAt: row.expiresAt.toISOString(),
  lastUsedAt: row.lastUsedAt?.toISOString() ?? null,
});

/** What the service needs to know of who may do what. */
export interface Authority {
  authorizeCourse(principal: Principal, action: Action, courseRef: string): Promise<CourseRecord>;
  relations(principal: Principal, target: { courseId?: string }): Promise<Relation[]>;
}

export function tokensService(db: PrismaClient, authority: Authority, changed: () => void): TokenService {
  return {
    async list(principal, page) {
      const query = pageQuery(page);
      const rows = await db.apiToken.findMany({
        ...query,
        where: {
          ...query.where,
          personId: principal.personId,
          revokedAt: null,
          expiresAt: { gt: new Date() },
          ...(principal.courseId === null ? {} : { courseId: principal.courseId }),
        },
      });
      return pageOf(query, rows, tokenRecord);
    },

    async create(principal, { name, course, role, expiresInSec }) {
      const checks = new Checks();
      checks.fits('/name', name, LABEL, LABEL_RULE);
      checks.number('/expiresInSec', expiresInSec, 60, LONGEST_LIFE_SEC);
      if (role !== undefined && course === undefined)
        checks.errors.push({ where: '/course', message: 'a token with a role is of one course: name it' });
      checks.done('The token');
      if (principal.courseId !== null)
        throw new LabError('forbidden', 'A token of one course makes no tokens: sign in with your key.');
      const bound =
        course === undefined ? null : await authority.authorizeCourse(principal, 'course.read', course);
      if (bound && role !== undefined) await mayBe(principal, bound, role);
      const made = await db.apiToken.count({
        where: { personId: principal.personId, kind: 'api', revokedAt: null, expiresAt: { gt: new Date() } },
      });
      if (made >= TOKENS_PER_PERSON)
        throw new LabError('quota', `You have ${made} tokens: revoke one first.`);
      const token = newToken();
      const row = await db.apiToken.create({
        data: {
          id: newId(),
          kind: 'api',
          name,
          personId: principal.personId,
          courseId: bound?.id ?? null,
          role: role ?? null,
          sha256: hashToken(token),
          expiresAt: new Date(Date.now() + (expiresInSec ?? DEFAULT_LIFE_SEC) * 1000),
        },
      });
      return { ...tokenRecord(row), token };
    },

    async revoke(principal, id) {
      const row = isId(id) ? await db.apiToken.findFirst({ where: { id, revokedAt: null } }) : null;
      if (!row || !(await mayRevoke(principal, row)))
        throw new LabError('not-found', 'You have no such token.', [], 'no-such-token');
      await db.apiToken.updateMany({ where: { id: row.id }, data: { revokedAt: new Date() } });
      changed();
    },
  };

  /** One may be what one is; who may make graders may make those. */
  async function mayBe(principal: Principal, course: CourseRecord, role: Relation): Promise<void> {
    const relations = await authority.relations(principal, { courseId: course.id });
    if (relations.includes('admin') || relations.includes(role)) return;
    if (role !== 'grader') throw new LabError('forbidden', `You are no ${role} of ${course.slug}.`);
    await authority.authorizeCourse(principal, 'token.grader', course.id);
  }

  async function mayRevoke(principal: Principal, row: { personId: string; courseId: string | null }) {
    if (principal.courseId !== null) return false;
    if (principal.admin || row.personId === principal.personId) return true;
    if (row.courseId === null) return false;
    return (await authority.relations(principal, { courseId: row.courseId })).includes('instructor');
  }
}
