/** Migrations, and what the embedded database keeps when its process is killed. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { afterAll, describe, expect, test } from 'vitest';
import { openDatabase } from '../../src/lab/database/index.ts';
import { type Connection, migrate, readMigrations } from '../../src/lab/database/migrate.ts';
import { openPglite } from '../../src/lab/database/pglite.ts';
import { newId } from '../../src/lab/ids.ts';
import { databases } from './databases.ts';
import { cleanUp, scratchFolder } from './lab-fixture.ts';
import { databaseShape, schemaShape } from './schema.ts';

afterAll(cleanUp);

const schema = readFileSync(new URL('../../prisma/schema.prisma', import.meta.url), 'utf8');

describe.each(databases)('on the $name database', ({ open }) => {
  test('what the migrations make is what the schema declares', async () => {
    const database = open();
    const { client, close, migrated } = await openDatabase({ folder: scratchFolder(), url: database.url() });
    try {
      expect(migrated).toEqual(readMigrations().map((migration) => migration.name));
      const shape = await databaseShape((sql) => client.$queryRawUnsafe(sql));
      expect(shape.length).toBeGreaterThan(80);
      expect(shape).toEqual(schemaShape(schema));
    } finally {
      await close();
      database.stop();
    }
  });

  test('times, bytes and big numbers come back as they went in', async () => {
    const database = open();
    const { client, close } = await openDatabase({ folder: scratchFolder(), url: database.url() });
    try {
      const at = new Date('2026-03-29T01:30:00.123Z');
      const sha256 = new Uint8Array(32).map((_, i) => (i * 37) & 255);
      const person = await client.person.create({
        data: { id: newId(), login: 'zoë'.normalize(), name: 'Zoë 🐧' },
      });
      await client.apiToken.create({
        data: { id: newId(), kind: 'api', name: 't', personId: person.id, sha256, expiresAt: at },
      });
      const row = await client.apiToken.findUniqueOrThrow({ where: { sha256 }, include: { person: true } });
      expect([row.expiresAt.toISOString(), row.person.name]).toEqual([at.toISOString(), 'Zoë 🐧']);
      expect([...row.sha256]).toEqual([...sha256]);
      expect(Math.abs(row.createdAt.getTime() - Date.now())).toBeLessThan(600_000);
    } finally {
      await close();
      database.stop();
    }
  });
});

describe('migrating', () => {
  const opened = async () => {
    const pglite = await openPglite(scratchFolder());
    const connection: Connection = {
      query: (sql, parameters) => pglite.query(sql, parameters),
      script: async (sql) => void (await pglite.exec(sql)),
    };
    return { pglite, connection };
  };
  const migration = (name: string, sql: string, checksum = name) => ({ name, sql, checksum });

  test('applies what is new, once; a migration that fails leaves nothing', async () => {
    const { pglite, connection } = await opened();
    const one = migration('1', 'CREATE TABLE a (x int)');
    expect(await migrate(connection, [one])).toEqual(['1']);
    expect(await migrate(connection, [one])).toEqual([]);
    const broken = migration('2', 'CREATE TABLE b (x int); SELECT * FROM nowhere');
    await expect(migrate(connection, [one, broken])).rejects.toThrow(/Migration 2: .*nowhere/);
    expect((await connection.query("SELECT to_regclass('b') AS b")).rows).toEqual([{ b: null }]);
    const mended = migration('2', 'CREATE TABLE b (x int); CREATE TABLE c (x int)');
    expect(await migrate(connection, [one, mended])).toEqual(['2']);
    const { rows } = await connection.query(
      'SELECT migration_name, applied_steps_count, finished_at FROM _prisma_migrations ORDER BY 1',
    );
    expect(rows).toMatchObject([{ migration_name: '1', applied_steps_count: 1 }, { migration_name: '2' }]);
    await pglite.close();
  });

  test('refuses a database of the future, of another past, and one half done', async () => {
    const { pglite, connection } = await opened();
    const [one, two] = [migration('1', 'SELECT 1'), migration('2', 'SELECT 2')];
    await migrate(connection, [one, two]);
    await expect(migrate(connection, [one])).rejects.toThrow(/made by a newer one/);
    await expect(migrate(connection, [one, { ...two, checksum: 'x' }])).rejects.toThrow(/was changed after/);
    await connection.query('UPDATE _prisma_migrations SET finished_at = NULL');
    await expect(migrate(connection, [one, two])).rejects.toThrow(/did not finish/);
    await pglite.close();
  });
});

/** A process that writes rows one after the other and says each that was answered. */
const writer = (folder: string) => `
  import { openDatabase } from ${JSON.stringify(new URL('../../src/lab/database/index.ts', import.meta.url).href)};
  const { client } = await openDatabase({ folder: ${JSON.stringify(folder)} });
  const before = await client.auditLog.count();
  process.stdout.write('open ' + before + '\\n');
  const { randomUUID } = await import('node:crypto');
  for (let i = before; ; i++) {
    await client.auditLog.create({ data: { id: randomUUID(), action: 'n' + i, detail: { text: 'x'.repeat(i % 3000) } } });
    process.stdout.write(i + '\\n');
  }`;

test('killed at any moment, the embedded database has every row that was answered, and no hole', async () => {
  const folder = scratchFolder();
  let answered = -1;
  for (let round = 0; round < 3; round++) {
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', writer(folder)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const afterRows = 5 + Math.floor(Math.random() * 60);
    let rows = 0;
    for await (const line of createInterface(child.stdout)) {
      const [, found] = /^open (\d+)$/.exec(line) ?? [];
      if (found !== undefined) {
        expect(Number(found)).toBeGreaterThanOrEqual(answered + 1);
        expect(Number(found)).toBeLessThanOrEqual(answered + 2);
      } else {
        answered = Number(line);
        if (++rows === afterRows) setTimeout(() => child.kill('SIGKILL'), Math.random() * 8);
      }
    }
  }
  const { client, close } = await openDatabase({ folder });
  const actions = await client.auditLog.findMany({ select: { action: true } });
  expect(actions.map(({ action }) => Number(action.slice(1))).sort((a, b) => a - b)).toEqual(
    actions.map((_, i) => i),
  );
  expect(answered).toBeGreaterThan(20);
  await close();
});
