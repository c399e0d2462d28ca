/**
 * Modules for tests of the loader itself, without the headers and kbuild of the image: C with its own declarations, compiled by the
 * VM's gcc, with struct module laid out from the declarations.
 */
import { offsetOf, sizeOf } from '../../src/kernel/abi/structs/index.ts';
import { imageOf } from '../../src/kernel/kapi/image.ts';
import { findKapi, kapi } from '../../src/kernel/kapi/registry.ts';
import { hasModversions, symbolCrc, vermagic } from '../../src/kernel/kapi/vermagic.ts';
import { readKString } from '../../src/kernel/module/kmem.ts';
import { printkText } from '../../src/kernel/printk/printk.ts';
import type { Student } from '../vm/student.ts';

/** The lines that modpost would add to a module: its struct module, version magic, and the versions of what it uses. */
export function moduleTail(
  student: Student,
  name: string,
  options: { exit?: boolean; license?: string; versions?: Record<string, number> } = {},
  source = '',
): string {
  const { exit = true, license = 'GPL', versions: wrong = {} } = options;
  const at = {
    name: offsetOf('module', 'name'),
    init: offsetOf('module', 'init'),
    exit: offsetOf('module', 'exit'),
  };
  const { release } = student.vm.kernel.identity;
  const info = (text: string, i: number): string =>
    `static const char info${i}[] __attribute__((section(".modinfo"), used, aligned(1))) = "${text}";`;
  const { byName } = imageOf(student.vm.kernel);
  const words = new Set(['module_layout', ...(source.match(/\w+/g) ?? [])]);
  const used = [...words].map((word) => byName.get(word)).filter((symbol) => symbol !== undefined);
  const crcs = used.map(
    (symbol) => `{ ${wrong[symbol.name] ?? symbolCrc(symbol, release)}ul, "${symbol.name}" }`,
  );
  const versions = hasModversions(release)
    ? `struct { unsigned long crc; char name[56]; } versions[] __attribute__((section("__versions"), used)) = { ${crcs.join(', ')} };`
    : '';
  return `
int init_module(void);
${exit ? 'void cleanup_module(void);' : ''}
struct module_image {
  char before_name[${at.name}]; char name[56];
  char before_init[${at.init - at.name - 56}]; int (*init)(void);
  char before_exit[${at.exit - at.init - 8}]; void (*exit)(void);
  char rest[${sizeOf('module') - at.exit - 8}];
} __this_module __attribute__((section(".gnu.linkonce.this_module"), used, aligned(8))) = {
  .name = "${name}", .init = init_module, ${exit ? '.exit = cleanup_module,' : ''}
};
${[`license=${license}`, `name=${name}`, `vermagic=${vermagic(release)}`, 'depends='].map(info).join('\n')}
${versions}
`;
}

const CFLAGS =
  '-O2 -c -ffreestanding -fno-pic -mno-relax -mcmodel=medany -march=rv64imac -mabi=lp64 -fno-asynchronous-unwind-tables';

/** Writes and compiles one module; answers its path in the VM. */
export function buildModule(
  student: Student,
  name: string,
  source: string,
  options: Parameters<typeof moduleTail>[2] = {},
): string {
  const text = `${source}\n${moduleTail(student, name, options, source)}`;
  student.out(`cat > /tmp/${name}.c`, { input: text });
  const result = student.sh(`cd /tmp && gcc ${CFLAGS} -o ${name}.ko ${name}.c`);
  if (result.status !== 0) throw new Error(result.stderr);
  return `/tmp/${name}.ko`;
}

/** The texts of the log since the last call. */
export function newLines(student: Student): string[] {
  const { records } = student.vm.kernel.printk;
  const seen = marks.get(student) ?? 0;
  const fresh = records.filter(({ seq }) => seq >= seen);
  marks.set(student, student.vm.kernel.printk.nextSeq);
  return fresh.map(({ level, text }) => `<${level}>${text}`);
}
const marks = new WeakMap<Student, number>();

// The log as far as these tests need it, where the room of exported functions does not bring its own.
if (!findKapi('_printk'))
  for (const name of ['printk', '_printk'])
    kapi(name, (k, _task, args) => {
      let i = 1;
      const text = (readKString(k, args[0]) ?? '').replace(/%([ds])/g, (_all, c) =>
        c === 'd' ? String(args[i++] | 0) : (readKString(k, args[i++]) ?? ''),
      );
      printkText(k, text);
      return text.length;
    });
