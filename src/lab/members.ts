/** Who is in a course, as what. Always true: an import is carried out as a whole or not at all. */
import { Checks, isTaken } from './checks.ts';
import { parseMembers } from './csv.ts';
import type { Prisma, PrismaClient } from './database/index.ts';
import { newId, pageOf, pageQuery } from './ids.ts';
import { keypairData } from './keypairs.ts';
import { checkPerson, personWhere } from './people.ts';
import { parsePublicKey } from './ssh-key.ts';
import {
  type FieldError,
  LabError,
  type MemberService,
  type MembershipRecord,
  type NewMember,
  type Role,
} from './types.ts';

type MembershipRow = Prisma.MembershipGetPayload<{ include: { person: true } }>;
type Transaction = Omit<PrismaClient, '$connect' | '$disconnect' | '$on' | '$transaction' | '$extends'>;

const membershipRecord = ({ id, courseId, role, person, createdAt }: MembershipRow): MembershipRecord => ({
  id,
  courseId,
  role,
  person: { id: person.id, login: person.login, name: person.name, email: person.email },
  createdAt: createdAt.toISOString(),
});

const noSuchMember = () => new LabError('not-found', 'The course has no such member.', [], 'no-such-member');

/** The name under which a key comes that an instructor brought. */
const IMPORTED_KEY = 'imported';

/**
 * Makes the account when there is none, and adds the key when it is new. A key opens the whole account, so an instructor may give
 * one only to an account that is nobody else's yet: it has no key, and no part in another course.
 */
async function ensurePerson(tx: Transaction, courseId: string, member: NewMember) {
  const person =
    (await tx.person.findUnique({ where: { login: member.login } })) ??
    (await tx.person.create({
      data: {
        id: newId(),
        login: member.login,
        name: member.name ?? member.login,
        email: member.email ?? null,
      },
    }));
  if (member.publicKey === undefined) return person;
  const { fingerprint } = parsePublicKey(member.publicKey);
  const known = await tx.keypair.findUnique({ where: { fingerprint } });
  if (known && known.personId !== person.id)
    throw new LabError('exists', `The key of ${member.login} is registered with another account.`);
  if (known) return person;
  const keys = await tx.keypair.count({ where: { personId: person.id } });
  const elsewhere = await tx.membership.count({
    where: { personId: person.id, courseId: { not: courseId } },
  });
  if (keys > 0 || elsewhere > 0 || person.admin)
    throw new LabError(
      'exists',
      `${member.login} has an account of their own already; only they may add a key to it (POST /keypairs).`,
    );
  await tx.keypair.create({ data: keypairData(person.id, IMPORTED_KEY, member.publicKey) });
  return person;
}

/** Tokens that a person's part in a course gave end with it. */
async function revokeTokens(tx: Transaction, courseId: string, personId: string): Promise<void> {
  await tx.apiToken.updateMany({
    where: { courseId, personId, revokedAt: null },
    data: { revokedAt: new Date() },
  });
}

export function membersService(db: PrismaClient, changed: () => void): MemberService {
  async function find(courseId: string, personRef: string): Promise<MembershipRow> {
    const person = personWhere(personRef);
    const row =
      person && (await db.membership.findFirst({ where: { courseId, person }, include: { person: true } }));
    if (!row) throw noSuchMember();
    return row;
  }
  async function importAll(courseId: string, rows: { line: number; member: NewMember }[]) {
    const counts = { added: 0, updated: 0, unchanged: 0 };
    const errors: FieldError[] = [];
    await db.$transaction(
      async (tx) => {
        for (const { line, member } of rows) {
          try {
            const person = await ensurePerson(tx, courseId, member);
            const where = { courseId_personId: { courseId, personId: person.id } };
            const old = await tx.membership.findUnique({ where });
            if (!old) {
              await tx.membership.create({
                data: { id: newId(), courseId, personId: person.id, role: member.role },
              });
              counts.added++;
            } else if (old.role !== member.role) {
              await tx.membership.update({ where, data: { role: member.role } });
              await revokeTokens(tx, courseId, person.id);
              counts.updated++;
            } else counts.unchanged++;
          } catch (error) {
            if (!(error instanceof LabError)) throw error;
            errors.push({ where: `line ${line}`, message: error.message });
          }
        }
        if (errors.length > 0)
          throw new LabError('invalid', 'Nothing was imported: correct these lines.', errors, 'bad-csv');
      },
      { timeout: 120_000, maxWait: 60_000 },
    );
    changed();
    return counts;
  }
  return {
    async list(courseId, page) {
      const query = pageQuery(page);
      const rows = await db.membership.findMany({
        ...query,
        where: { ...query.where, courseId, ...(page.role ? { role: page.role } : {}) },
        include: { person: true },
      });
      return pageOf(query, rows, membershipRecord);
    },
    async get(courseId, personRef) {
      return membershipRecord(await find(courseId, personRef));
    },
    async add(courseId, member) {
      const checks = new Checks();
      checkPerson(checks, member);
      checks.done('The member');
      if (member.publicKey !== undefined) parsePublicKey(member.publicKey);
      try {
        const row = await db.$transaction(async (tx) => {
          const person = await ensurePerson(tx, courseId, member);
          return tx.membership.create({
            data: { id: newId(), courseId, personId: person.id, role: member.role },
            include: { person: true },
          });
        });
        changed();
        return membershipRecord(row);
      } catch (error) {
        if (isTaken(error)) throw new LabError('exists', `${member.login} is a member already.`);
        throw error;
      }
    },
    async setRole(courseId, personRef, role: Role) {
      const { id, personId } = await find(courseId, personRef);
      const row = await db.$transaction(async (tx) => {
        await revokeTokens(tx, courseId, personId);
        return tx.membership.update({ where: { id }, data: { role }, include: { person: true } });
      });
      changed();
      return membershipRecord(row);
    },
    async remove(courseId, personRef) {
      const { id, personId } = await find(courseId, personRef);
      const vms = await db.vm.count({ where: { courseId, ownerId: personId } });
      if (vms > 0)
        throw new LabError(
          'wrong-state',
          `${personRef} still owns ${vms} VM${vms === 1 ? '' : 's'} of the course: delete them first.`,
        );
      await db.$transaction(async (tx) => {
        await revokeTokens(tx, courseId, personId);
        await tx.membership.deleteMany({ where: { id } });
      });
      changed();
    },
    importCsv: async (courseId, csv) => importAll(courseId, parseMembers(csv)),
  };
}
