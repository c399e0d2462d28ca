/**
 * A real PostgreSQL for a test: Debian's, in a folder of its own, on a socket of its own, gone afterwards. Always true: it runs as
 * `postgres` where the test runs as root, for PostgreSQL refuses root.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = '/usr/lib/postgresql';

/** Folder of pg_ctl and initdb; null when PostgreSQL is not installed. */
export function postgresBinaries(): string | null {
  if (!existsSync(ROOT)) return null;
  const versions = readdirSync(ROOT).sort((a, b) => Number(b) - Number(a));
  const folder = versions
    .map((version) => join(ROOT, version, 'bin'))
    .find((bin) => existsSync(join(bin, 'pg_ctl')));
  return folder ?? null;
}

export interface Postgres {
  /** Connection string of a fresh, empty database. */
  freshUrl(): string;
  stop(): void;
}

/** Starts a server. */
export function startPostgres(): Postgres {
  const bin = postgresBinaries();
  if (bin === null) throw new Error('PostgreSQL is not installed');
  const folder = mkdtempSync(join(tmpdir(), 'oopsbox-pg-'));
  chmodSync(folder, 0o777);
  const run = (command: string, ...args: string[]) => {
    const program = [join(bin, command), ...args];
    const [file, ...rest] =
      process.getuid?.() === 0 ? ['runuser', '-u', 'postgres', '--', ...program] : program;
    execFileSync(file, rest, { stdio: ['ignore', 'ignore', 'pipe'], cwd: folder });
  };
  const data = join(folder, 'data');
  const options = `-k ${folder} -c listen_addresses= -c fsync=off -c shared_buffers=16MB`;
  run('initdb', '-D', data, '-U', 'lab', '-A', 'trust', '-E', 'UTF8', '--no-sync');
  run('pg_ctl', '-D', data, '-w', '-l', join(folder, 'log'), '-o', options, 'start');
  let count = 0;
  return {
    freshUrl() {
      const name = `lab${++count}`;
      run('createdb', '-h', folder, '-U', 'lab', name);
      return `postgresql://lab@localhost/${name}?host=${encodeURIComponent(folder)}`;
    },
    stop() {
      run('pg_ctl', '-D', data, '-w', '-m', 'immediate', 'stop');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
