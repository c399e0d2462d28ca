/** Builds the modules of the stories in a VM: all of them with one make, as a folder of many modules. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { Student } from '../vm/student.ts';
import { COMPOSED, type Story } from './stories.ts';

const SOURCES = fileURLToPath(new URL('./src/', import.meta.url));
/** Where the modules are built. */
export const FOLDER = '/root/t';
const BUILD_BUDGET = 400e9;

/** Writes and compiles the sources of `modules` and of the programs that go with them; answers what the compiler said. */
export function buildStories(vm: Student, modules: readonly string[]): string {
  const parts = modules.flatMap((name) => COMPOSED[name] ?? [name]);
  const programs = modules.map((name) => `u_${name}`);
  const wanted = readdirSync(SOURCES).filter(
    (file) => file.endsWith('.h') || [...parts, ...programs].includes(file.replace(/\.c$/, '')),
  );
  for (const file of wanted)
    vm.out(`mkdir -p ${FOLDER}; cat > ${FOLDER}/${file}`, { input: readFileSync(SOURCES + file, 'utf8') });
  const lines = modules.map((name) => `obj-m += ${name}.o`);
  for (const name of modules)
    if (COMPOSED[name]) lines.push(`${name}-objs := ${COMPOSED[name].map((part) => `${part}.o`).join(' ')}`);
  vm.out(`cat > ${FOLDER}/Makefile`, { input: `${lines.join('\n')}\n` });
  const make = `make -C /lib/modules/$(uname -r)/build M=${FOLDER} modules 2>&1`;
  const { stdout, status } = vm.sh(make, { budget: BUILD_BUDGET });
  for (const file of wanted.filter((name) => name.startsWith('u_')))
    vm.out(`cd ${FOLDER}; gcc -O1 -o ${file.replace('.c', '')} ${file}`);
  const said = stdout
    .split('\n')
    .filter((line) => line !== '' && !/^ {2}(CC|LD|BTF|MODPOST|Building)|^make.*directory/.test(line));
  return status === 0 ? said.join('\n') : `status ${status}\n${said.join('\n')}`;
}

/** Plays a story; answers what was printed, and the log without the loader's notes on taint. */
export function play(vm: Student, story: Story): { out: string; log: string[] } {
  vm.sh('dmesg -C');
  const { stdout } = vm.sh(`(${story.run}) 2>&1`, { cwd: FOLDER });
  const log = vm
    .out('dmesg -t')
    .split('\n')
    .filter((line) => line !== '' && !/out-of-tree module taints|module verification failed/.test(line));
  return { out: stdout, log };
}

/** What differs between kernels and machines, made the same. */
const plain = (line: string): string => line.replace(/\b(__riscv_)?sys_openat\b/, 'SYSCALL');

/** Plays a story and compares. */
export function check(vm: Student, story: Story): void {
  const { out, log } = play(vm, story);
  if (story.out !== undefined) expect(out).toBe(story.out);
  if (story.log) expect(log.map(plain)).toEqual(story.log);
}
