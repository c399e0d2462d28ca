/**
 * Signing in. Always true: the database holds tokens as SHA-256 only; a challenge and a ticket are good once; who proves a key that
 * nobody registered learns only that; a token that was revoked here is refused from the next request on.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { PrismaClient } from './database/index.ts';
import { Expiring } from './expiring.ts';
import { newId } from './ids.ts';
import { noSuchPerson, personRecord } from './people.ts';
import { parsePublicKey } from './ssh-key.ts';
import { parseSignature, verifySignature } from './sshsig.ts';
import { type AuthService, LabError, type LabErrorKind, type PersonRecord, type Principal } from './types.ts';

const CHALLENGE_MS = 120_000;
const TICKET_MS = 30_000;
export const SESSION_MS = 12 * 3600_000;
/** How long a token that was looked up is known without asking again. */
const KNOWN_MS = 15_000;
/** Open challenges of one key. */
const CHALLENGES_PER_KEY = 8;
const TOKEN = /^oops_[A-Za-z0-9_-]{43}$/;

export const newToken = (): string => `oops_${randomBytes(32).toString('base64url')}`;
export const hashToken = (token: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(createHash('sha256').update(token).digest());

export const unauthenticated = (message: string, kind?: LabErrorKind) =>
  new LabError('unauthenticated', message, [], kind);

/** The service, and how others of the lab tell it that a token is no more. */
export interface Auth extends AuthService {
  /** Forgets what is known of tokens; called when tokens or accounts change. */
  forget(): void;
}

export function authService(db: PrismaClient): Auth {
  const challenges = new Expiring<string[]>(CHALLENGE_MS, 20_000);
  const tickets = new Expiring<Principal>(TICKET_MS, 20_000);
  const known = new Expiring<{ principal: Principal; expiresMs: number }>(KNOWN_MS, 20_000);

  async function startSession(
    principal: Pick<Principal, 'personId' | 'courseId' | 'role'>,
    person: PersonRecord,
    name: string,
    latestMs = Number.POSITIVE_INFINITY,
  ) {
    const token = newToken();
    const expiresAt = new Date(Math.min(Date.now() + SESSION_MS, latestMs));
    const { personId, courseId, role } = principal;
    await db.apiToken.create({
      data: {
        id: newId(),
        kind: 'session',
        name,
        personId,
        courseId,
        role,
        sha256: hashToken(token),
        expiresAt,
      },
    });
    return { token, expiresAt: expiresAt.toISOString(), person };
  }

  function redeem(ticket: string): Principal {
    const principal = tickets.take(ticket);
    if (!principal)
      throw unauthenticated(
        'This ticket is used, expired or was never given: ask for another.',
        'bad-ticket',
      );
    return principal;
  }

  /** The token row behind a principal, if it is still good. */
  async function liveToken(tokenId: string) {
    if (tokenId === '') return null;
    const row = await db.apiToken.findUnique({ where: { id: tokenId }, include: { person: true } });
    return row && row.revokedAt === null && row.expiresAt.getTime() > Date.now() ? row : null;
  }

  return {
    forget: () => known.clear(),

    isLive: async ({ tokenId }) => (await liveToken(tokenId)) !== null,

    async authenticate(token) {
      const refused = () =>
        unauthenticated('The token is unknown, expired or revoked: sign in again (POST /auth/challenge).');
      if (!TOKEN.test(token)) throw refused();
      const sha256 = hashToken(token);
      const key = Buffer.from(sha256).toString('latin1');
      const now = Date.now();
      const seen = known.get(key, now);
      if (seen) {
        if (seen.expiresMs <= now) throw refused();
        return seen.principal;
      }
      const row = await db.apiToken.findUnique({ where: { sha256 }, include: { person: true } });
      if (!row || row.revokedAt !== null || row.expiresAt.getTime() <= now) throw refused();
      const principal: Principal = {
        personId: row.personId,
        login: row.person.login,
        admin: row.person.admin && row.courseId === null,
        tokenId: row.id,
        tokenKind: row.kind,
        courseId: row.courseId,
        role: row.role,
      };
      known.put(key, { principal, expiresMs: row.expiresAt.getTime() }, now);
      if (row.lastUsedAt === null || now - row.lastUsedAt.getTime() > 60_000)
        await db.apiToken.updateMany({ where: { id: row.id }, data: { lastUsedAt: new Date(now) } });
      return principal;
    },

    async challenge(publicKey) {
      const { fingerprint } = parsePublicKey(publicKey);
      const challenge = `oopsbox-challenge-${randomBytes(32).toString('base64url')}`;
      const open = challenges.get(fingerprint) ?? [];
      const expiresAt = challenges.put(fingerprint, [...open.slice(-CHALLENGES_PER_KEY + 1), challenge]);
      return { challenge, expiresAt: expiresAt.toISOString() };
    },

    async signIn(publicKey, armored, wanted) {
      const key = parsePublicKey(publicKey);
      const open = (challenges.get(key.fingerprint) ?? []).filter(
        (one) => wanted === undefined || one === wanted,
      );
      if (open.length === 0)
        throw unauthenticated(
          'No challenge of this key is open: it was used, has expired or was never given. Ask for one (POST /auth/challenge).',
          'bad-challenge',
        );
      const signature = parseSignature(armored);
      const signed =
        signature &&
        open.find((one) =>
          [one, `${one}\n`].some((text) => verifySignature(key, signature, Buffer.from(text, 'utf8'))),
        );
      if (!signed)
        throw unauthenticated(
          'The signature is not one of this key over its challenge: ssh-keygen -Y sign -n oopsbox -f KEY < challenge',
          'bad-signature',
        );
      const left = (challenges.get(key.fingerprint) ?? []).filter((one) => one !== signed);
      if (left.length === 0) challenges.delete(key.fingerprint);
      else challenges.put(key.fingerprint, left);
      const pair = await db.keypair.findUnique({
        where: { fingerprint: key.fingerprint },
        include: { person: true },
      });
      if (!pair)
        throw unauthenticated(
          'No account has this key: ask your instructor to register it.',
          'bad-signature',
        );
      const { person } = pair;
      return startSession(
        { personId: person.id, courseId: null, role: null },
        personRecord(person),
        `signed in with ${key.fingerprint}`,
      );
    },

    async signOut(principal) {
      if (principal.tokenId !== '')
        await db.apiToken.updateMany({
          where: { id: principal.tokenId, revokedAt: null },
          data: { revokedAt: new Date() },
        });
      known.clear();
    },

    async issueTicket(principal) {
      const ticket = `oopst_${randomBytes(32).toString('base64url')}`;
      const expiresAt = tickets.put(ticket, principal);
      return { ticket, expiresAt: expiresAt.toISOString() };
    },

    async redeemTicket(ticket) {
      const principal = redeem(ticket);
      if (!(await liveToken(principal.tokenId)))
        throw unauthenticated('The token that made this ticket is no longer good.', 'bad-ticket');
      return principal;
    },

    async exchangeTicket(ticket) {
      const principal = redeem(ticket);
      const row = await liveToken(principal.tokenId);
      if (!row) throw unauthenticated('The token that made this ticket is no longer good.', 'bad-ticket');
      return startSession(row, personRecord(row.person), 'signed in with a link', row.expiresAt.getTime());
    },

    async principalOf(personId) {
      const person = await db.person.findUnique({ where: { id: personId } });
      if (!person) throw noSuchPerson();
      return {
        personId,
        login: person.login,
        admin: person.admin,
        tokenId: '',
        tokenKind: 'session',
        courseId: null,
        role: null,
      };
    },
  };
}
