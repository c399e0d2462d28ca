/**
 * The lab's door: people, courses, keys, tokens and machines, and who may do what with them. Always true: what comes out of
 * {@link openLab} is open, migrated and reconciled with the host.
 */
import type { Host } from '../host/types.ts';
import { Addresses } from './addresses.ts';
import { authService } from './auth.ts';
import { Authorizer } from './authorize.ts';
import { coursesService } from './courses.ts';
import { openDatabase } from './database/index.ts';
import { newId, pageOf, pageQuery } from './ids.ts';
import { keypairsService } from './keypairs.ts';
import { membersService } from './members.ts';
import { peopleService } from './people.ts';
import { reconcile } from './reconcile.ts';
import { auditService, idempotencyService, terminalSessionService } from './records.ts';
import { tokensService } from './tokens.ts';
import type { Lab } from './types.ts';
import { vmService } from './vms.ts';

export { VM_NAME } from './checks.ts';
export { DEFAULT_QUOTAS, DEFAULT_SETTINGS, QUOTA_LIMITS } from './courses.ts';
export { parseBlob, parsePublicKey } from './ssh-key.ts';
export * from './types.ts';

export interface LabOptions {
  /** The embedded database lies in its `db`. */
  dataFolder: string;
  host: Host;
  /** A PostgreSQL connection string, in place of the embedded database. */
  databaseUrl?: string;
  /** The image that the host makes machines of. */
  image?: { name: string; kernels: string[] };
  /** Loopback addresses for machines; default 127.16.0.0/12. */
  addressRange?: string;
  log?(level: 'info' | 'warn' | 'error', message: string, fields?: Record<string, unknown>): void;
}

/** Opens the lab over a host. */
export async function openLab(options: LabOptions): Promise<Lab> {
  const { host, image } = options;
  const log = options.log ?? (() => {});
  const database = await openDatabase({ folder: options.dataFolder, url: options.databaseUrl });
  const { client: db } = database;
  try {
    if (database.migrated.length > 0)
      log('info', 'the database is up to date', { kind: database.kind, applied: database.migrated });
    await reconcile(db, host, log);
    if (image)
      await db.image.upsert({
        where: { name: image.name },
        create: { id: newId(), ...image },
        update: { kernels: image.kernels },
      });
    const used = await db.vm.findMany({ select: { address: true } });
    const addresses = new Addresses(
      options.addressRange ?? '127.16.0.0/12',
      used.map((row) => row.address),
    );
    const authorizer = new Authorizer(db);
    const auth = authService(db);
    const changed = () => {
      authorizer.forget();
      auth.forget();
    };
    return {
      auth,
      people: peopleService(db),
      courses: coursesService(db, changed),
      members: membersService(db, changed),
      keypairs: keypairsService(db),
      tokens: tokensService(db, authorizer, changed),
      vms: vmService({ db, host, authorizer, addresses, image: image ?? null, log }),
      images: {
        async list(page) {
          const query = pageQuery(page);
          const rows = await db.image.findMany({ ...query });
          return pageOf(query, rows, (row) => ({ ...row, createdAt: row.createdAt.toISOString() }));
        },
      },
      audit: auditService(db),
      terminalSessions: terminalSessionService(db),
      idempotency: idempotencyService(db),
      authorize: async (principal, action) => authorizer.authorize(principal, action),
      authorizeCourse: (principal, action, ref) => authorizer.authorizeCourse(principal, action, ref),
      authorizeVm: (principal, action, id) => authorizer.authorizeVm(principal, action, id),
      may: (principal, action, vm) => authorizer.may(principal, action, vm),
      relations: (principal, target) => authorizer.relations(principal, target),
      ping: async () => void (await db.$queryRaw`SELECT 1`),
      close: () => database.close(),
    };
  } catch (error) {
    await database.close();
    throw error;
  }
}
