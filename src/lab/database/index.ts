/**
 * The database: PostgreSQL either way. Always true: one schema, one set of migrations and one client, whether the server is the
 * embedded PGlite in the data folder (default) or a real one at `DATABASE_URL`; sessions speak UTC; when this has opened, every
 * migration has been applied.
 */
import type { PrismaClient } from '../build/client/client.ts';
import { ensureClient } from './generate.ts';
import { type Connection, migrate } from './migrate.ts';
import { openPglite } from './pglite.ts';

export type { Prisma, PrismaClient } from '../build/client/client.ts';

export interface Database {
  readonly kind: 'pglite' | 'postgresql';
  readonly client: PrismaClient;
  /** Migrations that opening it applied. */
  readonly migrated: readonly string[];
  close(): Promise<void>;
}

export interface DatabaseOptions {
  /** Data folder; the embedded database lies in its `db`. Whoever opens it holds the folder: one process at a time. */
  folder: string;
  /** A PostgreSQL connection string: use that server instead. */
  url?: string;
}

/** Opens the database and brings it up to date. */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  ensureClient();
  return options.url ? openPostgres(options.url) : openEmbedded(options.folder);
}

/** The options of both clients: transactions queue behind each other on PGlite, so they may wait. */
const clientOptions = {
  transactionOptions: { maxWait: 15_000, timeout: 60_000 },
} as const;

async function openEmbedded(dataFolder: string): Promise<Database> {
  try {
    const { PrismaPGlite } = await import('pglite-prisma-adapter');
    const { PrismaClient: Client } = await import('../build/client/client.ts');
    const pglite = await openPglite(dataFolder);
    const connection: Connection = {
      query: (sql, parameters) => pglite.query(sql, parameters),
      script: async (sql) => void (await pglite.exec(sql)),
    };
    const migrated = await migrate(connection);
    const client = new Client({ adapter: new PrismaPGlite(pglite), ...clientOptions });
    return {
      kind: 'pglite',
      client,
      migrated,
      close: async () => {
        await client.$disconnect();
        if (!pglite.closed) await pglite.close();
      },
    };
  } catch (error) {
    throw new Error(`The embedded database in ${dataFolder}/db does not open: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

async function openPostgres(url: string): Promise<Database> {
  const { default: pg } = await import('pg');
  const { PrismaPg } = await import('@prisma/adapter-pg');
  const { PrismaClient: Client } = await import('../build/client/client.ts');
  const direct = new pg.Client({ connectionString: url });
  try {
    await direct.connect();
  } catch (error) {
    throw new Error(`The PostgreSQL server of DATABASE_URL does not answer: ${(error as Error).message}`, {
      cause: error,
    });
  }
  let migrated: string[];
  try {
    migrated = await migrate({
      query: (sql, parameters) => direct.query(sql, parameters),
      script: async (sql) => void (await direct.query(sql)),
    });
  } finally {
    await direct.end();
  }
  const client = new Client({
    adapter: new PrismaPg({ connectionString: url, max: 10, options: '-c TimeZone=UTC' }),
    ...clientOptions,
  });
  return { kind: 'postgresql', client, migrated, close: () => client.$disconnect() };
}
