/**
 * Applies `prisma/migrations` at start. Always true: each migration runs in one transaction together with its row of
 * `_prisma_migrations`, whose format and advisory lock are Prisma's own, so that `prisma migrate` and this agree about a
 * database; a database that knows migrations we do not have is refused, never guessed at.
 */
import { createHash, randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const migrationsFolder = fileURLToPath(new URL('../../../prisma/migrations', import.meta.url));

/** The number under which Prisma's schema engine takes `pg_advisory_lock`. */
const PRISMA_LOCK = 72707369;

const TABLE = `CREATE TABLE IF NOT EXISTS "_prisma_migrations" (
  "id" VARCHAR(36) PRIMARY KEY NOT NULL,
  "checksum" VARCHAR(64) NOT NULL,
  "finished_at" TIMESTAMPTZ,
  "migration_name" VARCHAR(255) NOT NULL,
  "logs" TEXT,
  "rolled_back_at" TIMESTAMPTZ,
  "started_at" TIMESTAMPTZ NOT NULL DEFAULT now(),
  "applied_steps_count" INTEGER NOT NULL DEFAULT 0
)`;

/** One connection to a database, as both drivers can give it. */
export interface Connection {
  query(sql: string, parameters?: unknown[]): Promise<{ rows: Record<string, unknown>[] }>;
  /** Several statements without parameters. */
  script(sql: string): Promise<void>;
}

export interface Migration {
  name: string;
  sql: string;
  /** SHA-256 of the file, as Prisma keeps it. */
  checksum: string;
}

/** The migrations of a folder, in the order of their names. */
export function readMigrations(folder = migrationsFolder): Migration[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort()
    .map((name) => {
      const file = readFileSync(join(folder, name, 'migration.sql'));
      return {
        name,
        sql: file.toString('utf8'),
        checksum: createHash('sha256').update(file).digest('hex'),
      };
    });
}

/** Brings the database up to date; answers the names of what it applied. */
export async function migrate(connection: Connection, migrations = readMigrations()): Promise<string[]> {
  await connection.query('SELECT pg_advisory_lock($1)', [PRISMA_LOCK]);
  try {
    await connection.script(TABLE);
    const { rows } = await connection.query(
      'SELECT "migration_name" AS name, "checksum", "finished_at" FROM "_prisma_migrations" WHERE "rolled_back_at" IS NULL',
    );
    checkHistory(rows as unknown as Applied[], migrations);
    const known = new Set(rows.map((row) => row.name));
    const applied: string[] = [];
    for (const migration of migrations) {
      if (known.has(migration.name)) continue;
      await apply(connection, migration);
      applied.push(migration.name);
    }
    return applied;
  } finally {
    await connection.query('SELECT pg_advisory_unlock($1)', [PRISMA_LOCK]);
  }
}

interface Applied {
  name: string;
  checksum: string;
  finished_at: unknown;
}

function checkHistory(rows: readonly Applied[], migrations: readonly Migration[]): void {
  for (const row of rows) {
    const ours = migrations.find((migration) => migration.name === row.name);
    if (!ours)
      throw new Error(
        `The database has the migration ${row.name}, which this version of Oopsbox does not know: it was made by a newer one. Start that one, or give this one another database.`,
      );
    if (row.finished_at === null)
      throw new Error(
        `The migration ${row.name} was begun by another tool and did not finish; see \`prisma migrate resolve\`.`,
      );
    if (row.checksum !== ours.checksum)
      throw new Error(
        `The migration ${row.name} was changed after the database applied it; put the file back as it was and make a new one.`,
      );
  }
}

async function apply(connection: Connection, migration: Migration): Promise<void> {
  await connection.script('BEGIN');
  try {
    await connection.script(migration.sql);
    await connection.query(
      'INSERT INTO "_prisma_migrations" ("id", "checksum", "migration_name", "started_at", "finished_at", "applied_steps_count") VALUES ($1, $2, $3, now(), now(), 1)',
      [randomUUID(), migration.checksum, migration.name],
    );
    await connection.script('COMMIT');
  } catch (error) {
    await connection.script('ROLLBACK');
    throw new Error(`Migration ${migration.name}: ${(error as Error).message}`, { cause: error });
  }
}
