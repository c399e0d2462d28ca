/** The lab's books: who did what, who sat at which terminal, which answers were given. Always true: nothing here decides. */
import type { Prisma, PrismaClient } from './database/index.ts';
import { newId, pageOf, pageQuery } from './ids.ts';
import {
  type AuditService,
  type IdempotencyService,
  LabError,
  type TerminalSessionService,
} from './types.ts';

const ANSWERS_KEPT_MS = 24 * 3600_000;

export function auditService(db: PrismaClient): AuditService {
  return {
    async record({ principal, action, courseId, vmId, remoteAddress, detail }) {
      await db.auditLog.create({
        data: {
          id: newId(),
          personId: principal?.personId ?? null,
          login: principal?.login ?? null,
          tokenId: principal?.tokenId || null,
          action,
          courseId: courseId ?? null,
          vmId: vmId ?? null,
          remoteAddress: remoteAddress ?? null,
          detail: (detail ?? {}) as Prisma.InputJsonObject,
        },
      });
    },
    async list({ courseId, vmId, personId, ...page }) {
      const query = pageQuery(page, 'newest');
      const rows = await db.auditLog.findMany({
        ...query,
        where: {
          ...query.where,
          ...(courseId === undefined ? {} : { courseId }),
          ...(vmId === undefined ? {} : { vmId }),
          ...(personId === undefined ? {} : { personId }),
        },
      });
      return pageOf(query, rows, ({ time, detail, ...row }) => ({
        ...row,
        time: time.toISOString(),
        detail: detail as Record<string, unknown>,
      }));
    },
  };
}

export function terminalSessionService(db: PrismaClient): TerminalSessionService {
  return {
    async opened(session) {
      const id = newId();
      await db.terminalSession.create({
        data: { ...session, id, remoteAddress: session.remoteAddress ?? null },
      });
      return id;
    },
    async closed(id) {
      await db.terminalSession.updateMany({ where: { id, closedAt: null }, data: { closedAt: new Date() } });
    },
    async list(vmId, page) {
      const query = pageQuery(page, 'newest');
      const rows = await db.terminalSession.findMany({ ...query, where: { ...query.where, vmId } });
      return pageOf(query, rows, (row) => ({
        ...row,
        via: row.via === 'ssh' ? 'ssh' : 'websocket',
        openedAt: row.openedAt.toISOString(),
        closedAt: row.closedAt?.toISOString() ?? null,
      }));
    },
  };
}

/** Answers of creating calls. A request that the last life of the server did not finish is forgotten at its start. */
export function idempotencyService(db: PrismaClient): IdempotencyService {
  let sweptMs = 0;
  async function sweep(): Promise<void> {
    if (Date.now() - sweptMs < 600_000) return;
    sweptMs = Date.now();
    await db.idempotencyKey.deleteMany({ where: { createdAt: { lt: new Date(sweptMs - ANSWERS_KEPT_MS) } } });
  }
  return {
    async begin(personId, key, requestHash) {
      await sweep();
      const { count } = await db.idempotencyKey.createMany({
        data: [{ personId, key, requestHash }],
        skipDuplicates: true,
      });
      if (count === 1) return { state: 'new' };
      const row = await db.idempotencyKey.findUnique({ where: { personId_key: { personId, key } } });
      if (row && row.requestHash !== requestHash)
        throw new LabError(
          'idempotency-mismatch',
          'This Idempotency-Key came with another request before: use a fresh one for each request.',
        );
      if (!row || row.status === null || row.body === null)
        throw new LabError(
          'idempotency-busy',
          'The first request with this Idempotency-Key is still being carried out.',
        );
      return { state: 'done', status: row.status, body: row.body };
    },
    async finish(personId, key, status, body) {
      await db.idempotencyKey.updateMany({ where: { personId, key }, data: { status, body } });
    },
    async abandon(personId, key) {
      await db.idempotencyKey.deleteMany({ where: { personId, key, status: null } });
    },
  };
}
