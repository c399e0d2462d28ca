/** Accounts. Always true: a login names one person, in lower case, and never changes. */
import { Checks, EMAIL, isTaken, LOGIN, LOGIN_RULE, TEXT, TEXT_RULE } from './checks.ts';
import type { Prisma, PrismaClient } from './database/index.ts';
import { isId, newId } from './ids.ts';
import { LabError, type PeopleService, type PersonRecord } from './types.ts';

export type PersonRow = Prisma.PersonGetPayload<object>;

export const personRecord = (row: PersonRow): PersonRecord => ({
  id: row.id,
  login: row.login,
  name: row.name,
  email: row.email,
  admin: row.admin,
  createdAt: row.createdAt.toISOString(),
});

/** Where a person is found by id or login; null when the text can be neither. */
export function personWhere(ref: string): { id: string } | { login: string } | null {
  if (isId(ref)) return { id: ref };
  return LOGIN.test(ref) ? { login: ref } : null;
}

export const noSuchPerson = () => new LabError('not-found', 'There is no such person.', [], 'no-such-person');

/** Checks what is said of a person. */
export function checkPerson(
  checks: Checks,
  person: { login: string; name?: string; email?: string | null },
): void {
  checks.fits('/login', person.login, LOGIN, LOGIN_RULE);
  checks.fits('/name', person.name, TEXT, TEXT_RULE, true);
  checks.fits('/email', person.email, EMAIL, 'must be a mail address', true);
}

export function peopleService(db: PrismaClient): PeopleService {
  return {
    async get(ref) {
      const where = personWhere(ref);
      const row = where && (await db.person.findUnique({ where }));
      if (!row) throw noSuchPerson();
      return personRecord(row);
    },
    async create({ login, name, email, admin }) {
      const checks = new Checks();
      checkPerson(checks, { login, name, email });
      checks.done('The account');
      try {
        return personRecord(
          await db.person.create({
            data: { id: newId(), login, name: name ?? login, email: email ?? null, admin: admin ?? false },
          }),
        );
      } catch (error) {
        if (isTaken(error)) throw new LabError('exists', `There is an account ${login} already.`);
        throw error;
      }
    },
    async memberships(personId) {
      const rows = await db.membership.findMany({
        where: { personId },
        include: { course: true },
        orderBy: { id: 'asc' },
      });
      return rows.map(({ course, role }) => ({
        courseId: course.id,
        courseSlug: course.slug,
        title: course.title,
        role,
      }));
    },
  };
}
