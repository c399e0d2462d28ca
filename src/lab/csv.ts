/** Course lists as CSV (RFC 4180). Always true: every line that is wrong is named, with the number an editor shows. */
import { CsvError, parse } from 'csv-parse/sync';
import { Checks } from './checks.ts';
import { checkPerson } from './people.ts';
import { parsePublicKey } from './ssh-key.ts';
import { type FieldError, LabError, type NewMember, type Role } from './types.ts';

const COLUMNS = ['login', 'name', 'email', 'role', 'public_key'] as const;
const ROLES: readonly string[] = ['instructor', 'ta', 'student', 'grader'] satisfies Role[];
const MOST_ROWS = 5000;

const refuse = (errors: FieldError[]) =>
  new LabError('invalid', 'Nothing was imported: correct these lines.', errors, 'bad-csv');

/** Members of a list with a header line; `role` is student where it is empty, the columns but `login` may be missing. */
export function parseMembers(csv: string): { line: number; member: NewMember }[] {
  const records = readRecords(csv);
  const errors: FieldError[] = [];
  const seen = new Map<string, number>();
  const rows: { line: number; member: NewMember }[] = [];
  for (const { record, line } of records) {
    const where = `line ${line}`;
    const login = record.login ?? '';
    const role = record.role || 'student';
    const member: NewMember = {
      login,
      role: role as Role,
      ...(record.name ? { name: record.name } : {}),
      ...(record.email ? { email: record.email } : {}),
      ...(record.public_key ? { publicKey: record.public_key } : {}),
    };
    const checks = new Checks();
    checkPerson(checks, member);
    for (const error of checks.errors)
      errors.push({ where, message: `${error.where.slice(1)} ${error.message}` });
    if (!ROLES.includes(role)) errors.push({ where, message: `role must be one of ${ROLES.join(', ')}` });
    if (member.publicKey !== undefined) {
      try {
        parsePublicKey(member.publicKey);
      } catch (error) {
        errors.push({ where, message: `public_key: ${(error as Error).message}` });
      }
    }
    const before = seen.get(login);
    if (before !== undefined) errors.push({ where, message: `${login} is on line ${before} already` });
    else seen.set(login, line);
    rows.push({ line, member });
  }
  if (errors.length > 0) throw refuse(errors.slice(0, 200));
  return rows;
}

function readRecords(csv: string): { record: Record<string, string>; line: number }[] {
  if (csv.includes('\0') || csv.includes('�'))
    throw refuse([{ where: 'line 1', message: 'the list must be text in UTF-8' }]);
  try {
    const parsed = parse(csv, {
      bom: true,
      columns: (header: string[]) => checkHeader(header),
      info: true,
      skip_empty_lines: true,
      trim: true,
      to: MOST_ROWS + 1,
    }) as unknown as { record: Record<string, string>; info: { lines: number } }[];
    if (parsed.length > MOST_ROWS)
      throw refuse([{ where: `line ${MOST_ROWS + 2}`, message: `at most ${MOST_ROWS} people at once` }]);
    return parsed.map(({ record, info }) => ({ record, line: info.lines }));
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const { lines } = error as CsvError & { lines?: number };
    throw refuse([{ where: `line ${lines ?? 1}`, message: error.message.split('\n')[0] }]);
  }
}

function checkHeader(header: string[]): string[] {
  const names = header.map((name) => name.toLowerCase().replace(/[ -]/g, '_'));
  const unknown = names.filter((name) => !(COLUMNS as readonly string[]).includes(name));
  if (unknown.length > 0 || !names.includes('login') || new Set(names).size !== names.length)
    throw refuse([
      {
        where: 'line 1',
        message: `the first line must name the columns: login, and any of ${COLUMNS.slice(1).join(', ')}, once each`,
      },
    ]);
  return names;
}
