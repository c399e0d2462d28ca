/** `oopsbox vm …`, `oopsbox exec` and `oopsbox link`: machines from the command line. */
import { constants } from 'node:os';
import { buffer } from 'node:stream/consumers';
import { UsageError } from './errors.ts';
import type { Remote, VmView } from './remote.ts';

/** Columns as wide as what is in them. */
function table(rows: string[][]): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
    .concat('\n');
}

/** Every machine that the caller may see, page by page. */
async function allVms(remote: Remote): Promise<(VmView & { course?: string })[]> {
  const vms: VmView[] = [];
  let cursor: string | null | undefined;
  do {
    const page: { items: VmView[]; nextCursor: string | null } = await remote.request(
      'GET',
      `/vms?limit=100${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`,
    );
    vms.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor);
  return vms;
}

export async function listVms(remote: Remote, asJson: boolean): Promise<number> {
  const vms = await allVms(remote);
  if (asJson) process.stdout.write(`${JSON.stringify(vms, null, 2)}\n`);
  else
    process.stdout.write(
      table([
        ['NAME', 'STATE', 'ADDRESS', 'ID'],
        ...vms.map((vm) => [vm.name, vm.state, vm.address ?? '', vm.id]),
      ]),
    );
  return 0;
}

/** The course to make a machine in: the one named, or the only one there is. */
async function courseOf(remote: Remote, named: string | undefined): Promise<string> {
  const { items } = await remote.request<{ items: { id: string; slug: string }[] }>(
    'GET',
    '/courses?limit=100',
  );
  const found = named === undefined ? items : items.filter((one) => [one.id, one.slug].includes(named));
  if (found.length === 1) return found[0].id;
  const names = items.map((one) => one.slug).join(', ');
  throw new UsageError(
    named === undefined
      ? `you are in ${items.length} courses (${names}): say --course`
      : `you are in no course ${named}`,
  );
}

export async function createVm(
  remote: Remote,
  name: string,
  options: { course?: string; kernel?: string },
): Promise<number> {
  const course = await courseOf(remote, options.course);
  const vm = await remote.request<VmView>('POST', '/vms', {
    course,
    name,
    ...(options.kernel === undefined ? {} : { kernel: options.kernel }),
  });
  process.stdout.write(
    `${vm.name} is ${vm.state}, ${vm.address ?? vm.id}; next: npx oopsbox ssh ${vm.name}\n`,
  );
  return 0;
}

/** start, stop, reboot, rebuild. */
export async function actOnVm(
  remote: Remote,
  name: string,
  action: string,
  body: object = {},
): Promise<number> {
  const vm = await remote.findVm(name);
  const after = await remote.request<VmView>('POST', `/vms/${vm.id}/${action}`, body);
  process.stdout.write(`${vm.name} is ${after.state}\n`);
  return 0;
}

export async function deleteVm(remote: Remote, name: string): Promise<number> {
  const vm = await remote.findVm(name);
  await remote.request('DELETE', `/vms/${vm.id}`);
  process.stdout.write(`${vm.name} is gone\n`);
  return 0;
}

interface ExecAnswer {
  stdout: string;
  stderr: string;
  exitCode: number | null;
  signal: string | null;
  outcome: 'exited' | 'budget' | 'halted';
}

/** Runs one command on the machine; its output and exit status become this process's. */
export async function execOnVm(
  remote: Remote,
  name: string,
  words: string[],
  options: { user?: string; json?: boolean },
): Promise<number> {
  if (words.length === 0) throw new UsageError('say what to run: oopsbox exec VM COMMAND…');
  const vm = await remote.findVm(name);
  const stdin = process.stdin.isTTY ? null : await buffer(process.stdin);
  const answer = await remote.request<ExecAnswer>('POST', `/vms/${vm.id}/exec`, {
    encoding: 'base64',
    ...(stdin === null ? {} : { stdin: stdin.toString('base64') }),
    ...(words.length === 1 ? { command: words[0] } : { argv: words }),
    ...(options.user === undefined ? {} : { user: options.user }),
  });
  const stdout = Buffer.from(answer.stdout, 'base64');
  const stderr = Buffer.from(answer.stderr, 'base64');
  if (options.json) {
    const shown = { ...answer, stdout: stdout.toString(), stderr: stderr.toString() };
    process.stdout.write(`${JSON.stringify(shown, null, 2)}\n`);
  } else {
    process.stdout.write(stdout);
    process.stderr.write(stderr);
    if (answer.outcome !== 'exited') process.stderr.write(`oopsbox: stopped, ${answer.outcome}\n`);
  }
  return answer.exitCode ?? 128 + (constants.signals[answer.signal as NodeJS.Signals] ?? 9);
}

/** Prints an address that opens the machine in a browser, signed in. */
export async function linkToVm(remote: Remote, name: string): Promise<number> {
  const vm = await remote.findVm(name);
  process.stdout.write(`${remote.url}/?vm=${encodeURIComponent(vm.id)}#token=${await remote.token()}\n`);
  return 0;
}
