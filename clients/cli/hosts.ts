/**
 * `oopsbox hosts`: the lines of /etc/hosts that make `ssh -p 2222 student@anil-vm` work on this machine. Always true: only what stands
 * between our two marks is changed; a file that cannot be replaced in one step is left as it was.
 */
import { chmodSync, chownSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { UsageError } from './errors.ts';
import type { Remote } from './remote.ts';

const BEGIN = '# BEGIN oopsbox';
const END = '# END oopsbox';

/** What a machine needs to be named. */
export interface NamedVm {
  name: string;
  address: string;
  /** Short name of its course; tells machines of one name apart. */
  course?: string;
}

/** The block between the marks. The plain name is the first machine's that has it; `NAME.COURSE` is always unique. */
export function hostsBlock(vms: readonly NamedVm[]): string {
  const taken = new Set<string>();
  const lines = vms.map(({ name, address, course }) => {
    const names = [...(taken.has(name) ? [] : [name]), ...(course ? [`${name}.${course}`] : [])];
    taken.add(name);
    return names.length === 0 ? '' : `${address}\t${names.join(' ')}`;
  });
  return [BEGIN, ...lines.filter(Boolean), END, ''].join('\n');
}

/** The text of a hosts file with its block replaced, or with one at the end. */
export function withBlock(text: string, block: string): string {
  const lines = text.split('\n');
  const from = lines.indexOf(BEGIN);
  const to = lines.indexOf(END, from);
  if (from < 0 || to < 0) return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${block}`;
  const rest = lines.slice(to + 1).join('\n');
  return `${lines
    .slice(0, from)
    .map((line) => `${line}\n`)
    .join('')}${block}${rest}`;
}

interface Listed {
  name: string;
  address: string;
  course?: string | { slug?: string };
  courseSlug?: string;
}

async function listVms(remote: Remote): Promise<NamedVm[]> {
  const out: NamedVm[] = [];
  for (let cursor: string | null = null; ; ) {
    const query: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page: { items: Listed[]; nextCursor: string | null } = await remote.request(
      'GET',
      `/vms?limit=100${query}`,
    );
    for (const { name, address, course, courseSlug } of page.items)
      out.push({ name, address, course: courseSlug ?? (typeof course === 'string' ? course : course?.slug) });
    cursor = page.nextCursor;
    if (!cursor) return out;
  }
}

function replaceFile(file: string, text: string): void {
  const { mode, uid, gid } = statSync(file);
  const fresh = `${file}.oopsbox`;
  try {
    writeFileSync(fresh, text);
    chmodSync(fresh, mode & 0o777);
    chownSync(fresh, uid, gid);
    renameSync(fresh, file);
  } catch (error) {
    rmSync(fresh, { force: true });
    // In a container /etc/hosts is a mount of its own: it can be written, not replaced.
    if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw error;
    writeFileSync(file, text);
  }
}

/** Shows the block, or with `write` puts it into the file. */
export async function hostsCommand(
  remote: Remote,
  options: { write?: boolean; file?: string },
): Promise<number> {
  const block = hostsBlock(await listVms(remote));
  if (!options.write) {
    process.stdout.write(block);
    return 0;
  }
  const file = options.file ?? '/etc/hosts';
  try {
    const text = readFileSync(file, 'utf8');
    const changed = withBlock(text, block);
    if (changed !== text) replaceFile(file, changed);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EACCES' && code !== 'EPERM') throw error;
    throw new UsageError(`${file} is not yours to write: npx oopsbox hosts | sudo tee -a ${file}`);
  }
  process.stdout.write(`${file} names ${block.split('\n').length - 3} machines\n`);
  return 0;
}
