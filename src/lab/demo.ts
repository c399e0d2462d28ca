/**
 * What a fresh lab holds so that there is something to try. Always true: each piece is made once and never again (a machine that
 * was deleted stays deleted while the file of tokens is there); the file is readable by its owner alone and appears whole.
 */
import { chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Lab, LabError, type Principal, type Role, type VmRecord } from './types.ts';

const DEMO_FILE = 'demo.json';
/** Of a lab that starts empty. */
const ADMIN_FILE = 'admin.json';
const COURSE = 'demo';
const VM = 'anil-vm';
const LONGEST_LIFE_SEC = 366 * 86_400;

/** Who is in the demo course; each one's token is known by the role. */
const PEOPLE: readonly { login: string; name: string; role: Role }[] = [
  { login: 'ines', name: 'Ines Instructor', role: 'instructor' },
  { login: 'tara', name: 'Tara Assistant', role: 'ta' },
  { login: 'anil', name: 'Anil Student', role: 'student' },
  { login: 'greta', name: 'Greta Grader', role: 'grader' },
];

/** `demo.json` in the data folder. `assistant` is the `ta` under the name that the web page uses. */
export interface DemoFile {
  url: string;
  course: string;
  vm: { id: string; name: string; address: string };
  tokens: Record<'admin' | 'instructor' | 'ta' | 'assistant' | 'student' | 'grader', string>;
}

/** `admin.json`: what a lab that starts empty is set up with. */
export interface AdminFile {
  url: string;
  tokens: { admin: string };
}

export interface DemoOptions {
  lab: Lab;
  dataFolder: string;
  /** Where the server answers; kept up to date in the file. */
  url: string;
  /** No demo course: an administrator and nothing else. */
  empty: boolean;
}

/** Seeds the lab; answers what the file says, null when it starts empty. */
export async function seedDemo({ lab, dataFolder, url, empty }: DemoOptions): Promise<DemoFile | null> {
  const admin = await ensureAdmin(lab);
  if (empty) {
    const file = join(dataFolder, ADMIN_FILE);
    const kept = read<AdminFile>(file);
    write(file, { url, tokens: { admin: await ensureToken(lab, admin, kept?.tokens?.admin) } });
    return null;
  }
  const file = join(dataFolder, DEMO_FILE);
  const kept = read<DemoFile>(file);
  const course = await orMade(
    () => lab.courses.get(COURSE),
    () => lab.courses.create({ slug: COURSE, title: 'Operating systems (demo)' }),
  );
  const tokens: Record<string, string> = { admin: await ensureToken(lab, admin, kept?.tokens?.admin) };
  const principals: Partial<Record<Role, Principal>> = {};
  for (const { role, ...person } of PEOPLE) {
    const member = await orMade(
      () => lab.members.get(course.id, person.login),
      () => lab.members.add(course.id, { ...person, role }),
    );
    const principal = await lab.auth.principalOf(member.person.id);
    principals[role] = principal;
    const bound = role === 'grader' ? { course: course.id, role } : {};
    tokens[role] = await ensureToken(lab, principal, kept?.tokens?.[role], bound);
  }
  const vm = kept?.vm ?? (await ensureVm(lab, principals.instructor as Principal));
  const { id, name, address } = vm;
  const demo = {
    url,
    course: COURSE,
    vm: { id, name, address },
    tokens: { ...tokens, assistant: tokens.ta },
  } as DemoFile;
  write(file, demo);
  return demo;
}

/** What `get` finds, or else what `make` makes. */
async function orMade<T>(get: () => Promise<T>, make: () => Promise<T>): Promise<T> {
  try {
    return await get();
  } catch (error) {
    if (!(error instanceof LabError) || error.code !== 'not-found') throw error;
    return make();
  }
}

async function ensureAdmin(lab: Lab): Promise<Principal> {
  const person = await orMade(
    () => lab.people.get('admin'),
    () => lab.people.create({ login: 'admin', name: 'Administrator', admin: true }),
  );
  return lab.auth.principalOf(person.id);
}

async function ensureVm(lab: Lab, instructor: Principal): Promise<VmRecord> {
  const [there] = await lab.vms.byName(VM, COURSE);
  return there ?? lab.vms.create(instructor, { course: COURSE, name: VM, owner: 'anil' });
}

/** The token that is kept, while it is good; or a new one. */
async function ensureToken(
  lab: Lab,
  principal: Principal,
  kept: string | undefined,
  bound: { course?: string; role?: Role } = {},
): Promise<string> {
  if (kept !== undefined) {
    try {
      if ((await lab.auth.authenticate(kept)).personId === principal.personId) return kept;
    } catch (error) {
      if (!(error instanceof LabError)) throw error;
    }
  }
  const made = await lab.tokens.create(principal, {
    name: 'made at the first start',
    expiresInSec: LONGEST_LIFE_SEC,
    ...bound,
  });
  return made.token;
}

function read<T>(file: string): T | null {
  if (!existsSync(file)) return null;
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as T;
  } catch {
    return null;
  }
}

function write(file: string, content: object): void {
  const scratch = `${file}.new`;
  writeFileSync(scratch, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  chmodSync(scratch, 0o600);
  renameSync(scratch, file);
}
