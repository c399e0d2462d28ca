/** The databases that a lab runs on, for tests that hold on each of them. */
import { postgresBinaries, startPostgres } from './postgres.ts';

export interface TestDatabase {
  name: string;
  /** A connection string of a fresh database; undefined: the embedded one. */
  url(): string | undefined;
  stop(): void;
}

/** The embedded database, and PostgreSQL where it is installed. */
export const databases: readonly { name: string; open(): TestDatabase }[] = [
  { name: 'embedded', open: () => ({ name: 'embedded', url: () => undefined, stop: () => {} }) },
  ...(postgresBinaries() === null
    ? []
    : [
        {
          name: 'PostgreSQL',
          open: () => {
            const server = startPostgres();
            return { name: 'PostgreSQL', url: () => server.freshUrl(), stop: () => server.stop() };
          },
        },
      ]),
];
