/** People's SSH public keys. Always true: a key belongs to one person, for it says who signs in. */
import { Checks, isTaken, LABEL, LABEL_RULE } from './checks.ts';
import type { Prisma, PrismaClient } from './database/index.ts';
import { isId, newId, pageOf, pageQuery } from './ids.ts';
import { personRecord } from './people.ts';
import { fingerprintOf, parsePublicKey } from './ssh-key.ts';
import { type KeypairRecord, type KeypairService, LabError } from './types.ts';

const KEYS_PER_PERSON = 50;

const keypairRecord = (row: Prisma.KeypairGetPayload<object>): KeypairRecord => ({
  id: row.id,
  name: row.name,
  type: row.type,
  bits: row.bits,
  fingerprint: row.fingerprint,
  publicKey: row.publicKey,
  createdAt: row.createdAt.toISOString(),
});

/** The row of a key for a person. */
export function keypairData(personId: string, name: string, publicKey: string) {
  const key = parsePublicKey(publicKey);
  return {
    id: newId(),
    personId,
    name,
    type: key.type,
    bits: key.bits,
    fingerprint: key.fingerprint,
    publicKey: key.line,
  };
}

export function keypairsService(db: PrismaClient): KeypairService {
  async function find(personId: string, ref: string) {
    const row = isId(ref)
      ? await db.keypair.findFirst({ where: { id: ref, personId } })
      : LABEL.test(ref)
        ? await db.keypair.findUnique({ where: { personId_name: { personId, name: ref } } })
        : null;
    if (!row) throw new LabError('not-found', 'You have no such key.', [], 'no-such-keypair');
    return row;
  }
  return {
    async list(personId, page) {
      const query = pageQuery(page);
      const rows = await db.keypair.findMany({ ...query, where: { ...query.where, personId } });
      return pageOf(query, rows, keypairRecord);
    },
    async get(personId, ref) {
      return keypairRecord(await find(personId, ref));
    },
    async add(personId, { name, publicKey }) {
      const checks = new Checks();
      checks.fits('/name', name, LABEL, LABEL_RULE);
      checks.done('The key');
      const data = keypairData(personId, name, publicKey);
      if ((await db.keypair.count({ where: { personId } })) >= KEYS_PER_PERSON)
        throw new LabError('quota', `You have ${KEYS_PER_PERSON} keys: remove one first.`);
      try {
        return keypairRecord(await db.keypair.create({ data }));
      } catch (error) {
        if (!isTaken(error)) throw error;
        const same = await db.keypair.findUnique({ where: { personId_name: { personId, name } } });
        throw new LabError(
          'exists',
          same
            ? `You have a key named ${name} already.`
            : 'This key is registered already: a key opens one account only.',
        );
      }
    },
    async remove(personId, ref) {
      const { id } = await find(personId, ref);
      await db.keypair.deleteMany({ where: { id } });
    },
    async ownerOf(keyBlob) {
      const row = await db.keypair.findUnique({
        where: { fingerprint: fingerprintOf(keyBlob) },
        include: { person: true },
      });
      return row && personRecord(row.person);
    },
  };
}
