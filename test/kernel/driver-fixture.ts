/** Modules and programs for tests, as a student makes them: the image's headers and kbuild, several in one make. */
import type { Student } from '../vm/student.ts';

/** The kernels a test of modules runs on: the fast run takes the modern one, the slow runs both. */
export const MODERN = '6.12.107+deb13-riscv64';
export const RELEASES: readonly string[] =
  (process.env.OOPSBOX_TESTS ?? 'fast') === 'fast' ? [MODERN] : ['4.15.0-33-generic', MODERN];

/** Builds modules (by name: their one C file) in /root/m; answers nothing, throws with the compiler's words. */
export function makeModules(vm: Student, sources: Record<string, string>): void {
  vm.out('mkdir -p /root/m');
  const names = Object.keys(sources);
  for (const name of names) vm.out(`cat > /root/m/${name}.c`, { input: sources[name] });
  vm.out('cat > /root/m/Makefile', { input: `obj-m := ${names.map((name) => `${name}.o`).join(' ')}\n` });
  const made = vm.sh('make -C /lib/modules/$(uname -r)/build M=/root/m modules');
  if (made.status !== 0 || /warning/.test(made.stderr)) throw new Error(made.stdout + made.stderr);
}

/** Compiles a program to /root/m/NAME. */
export function makeProgram(vm: Student, name: string, source: string): void {
  vm.out(`mkdir -p /root/m; cat > /root/m/${name}.c`, { input: source });
  const made = vm.sh(`gcc -O1 -o /root/m/${name} /root/m/${name}.c`);
  if (made.status !== 0) throw new Error(made.stderr);
}

/** Texts of the kernel log from here on, without time stamps. */
export const logSince = (vm: Student, sequence: number): string[] =>
  vm.vm.kernel.printk.records.filter(({ seq }) => seq >= sequence).map(({ text }) => text);
export const logMark = (vm: Student): number => vm.vm.kernel.printk.nextSeq;
