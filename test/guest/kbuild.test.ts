/** A student builds modules: the lines that kbuild, modpost and the compiler print are those of the real ones. */
import { beforeAll, describe, expect, test } from 'vitest';
import { type Student, student } from '../vm/student.ts';

const MODERN = '6.12.107+deb13-riscv64';
const SRC = `/usr/src/linux-headers-${MODERN}`;
const COMMON = '/usr/src/linux-headers-6.12.107+deb13-common';

const HELLO = `#include <linux/init.h>
#include <linux/module.h>
static int __init hello_init(void) { printk(KERN_INFO "hello\\n"); return 0; }
static void __exit hello_exit(void) { }
module_init(hello_init);
module_exit(hello_exit);
MODULE_LICENSE("GPL");
`;

function write(vm: Student, folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files))
    vm.sh(`mkdir -p ${folder}; cat > ${folder}/${name}`, { user: 'student', input: text });
}

const makefile = (name: string) => `obj-m := ${name}.o
all:
	make -C /lib/modules/$(shell uname -r)/build M=$(PWD) modules
clean:
	make -C /lib/modules/$(shell uname -r)/build M=$(PWD) clean
`;

describe('under 6.12', () => {
  let vm: Student;
  const make = (folder: string, args = '') =>
    vm.sh(`make ${args} 2>&1`, { user: 'student', cwd: folder }).stdout;
  beforeAll(async () => {
    vm = await student({ release: MODERN });
    write(vm, '/home/student/hello', { Makefile: makefile('hello'), 'hello.c': HELLO });
  }, 180_000);

  test('builds, has nothing to do, builds again what was touched, cleans', () => {
    const at = '/home/student/hello';
    const head = `make -C /lib/modules/${MODERN}/build M=${at} modules\nmake[1]: Entering directory '${SRC}'\n`;
    const tail = `make[1]: Leaving directory '${SRC}'\n`;
    expect(make(at)).toBe(
      `${head}  CC [M]  ${at}/hello.o
  MODPOST ${at}/Module.symvers
  CC [M]  ${at}/hello.mod.o
  CC [M]  ${at}/.module-common.o
  LD [M]  ${at}/hello.ko
  BTF [M] ${at}/hello.ko
${tail}`,
    );
    expect(make(at)).toBe(head + tail);
    expect(vm.out(`modinfo -F vermagic ${at}/hello.ko`)).toBe(`${MODERN} SMP mod_unload modversions riscv\n`);
    expect(vm.out(`cd ${at}; touch hello.c; make | grep -c LD`)).toBe('1\n');
    make(at, 'clean');
    expect(vm.out(`ls -A ${at}`)).toBe('Makefile\nhello.c\n');
  });

  test('an undefined symbol and a missing licence end in the known chain of errors', () => {
    const at = '/home/student/bad';
    write(vm, at, {
      Makefile: makefile('bad'),
      'bad.c': HELLO.replace('return 0;', 'return no_such();').replace(
        'static int',
        'extern int no_such(void);\nstatic int',
      ),
    });
    expect(make(at)).toContain(`ERROR: modpost: "no_such" [${at}/bad.ko] undefined!
make[3]: *** [${COMMON}/scripts/Makefile.modpost:145: ${at}/Module.symvers] Error 1
make[2]: *** [${COMMON}/Makefile:1944: modpost] Error 2
make[1]: *** [${COMMON}/Makefile:236: __sub-make] Error 2
make[1]: Leaving directory '${SRC}'
make: *** [Makefile:3: all] Error 2
`);
    write(vm, at, { 'bad.c': HELLO.replace(/MODULE_LICENSE.*/, '') });
    expect(make(at)).toContain(`ERROR: modpost: missing MODULE_LICENSE() in ${at}/bad.o\n`);
    write(vm, at, { 'bad.c': `#include <stdio.h>\n${HELLO}` });
    expect(make(at)).toContain(`${at}/bad.c:1:10: fatal error: stdio.h: No such file or directory
    1 | #include <stdio.h>
      |          ^~~~~~~~~
compilation terminated.
make[3]: *** [${COMMON}/scripts/Makefile.build:234: ${at}/bad.o] Error 1
make[2]: *** [${COMMON}/Makefile:1992: ${at}] Error 2
`);
  });
});

describe('under 4.15', () => {
  let vm: Student;
  beforeAll(async () => {
    vm = await student();
  }, 180_000);

  test('the worked examples build, load, work and go', () => {
    const out = vm.out(
      'cd ~/examples/ones && make && sudo insmod ones.ko && sudo head -c 10 /dev/ones && sudo rmmod ones',
      { user: 'student' },
    );
    const at = '/home/student/examples/ones';
    expect(out).toBe(`make -C /lib/modules/4.15.0-33-generic/build M=${at} modules
make[1]: Entering directory '/usr/src/linux-headers-4.15.0-33-generic'
  CC [M]  ${at}/ones.o
  Building modules, stage 2.
  MODPOST 1 modules
  CC      ${at}/ones.mod.o
  LD [M]  ${at}/ones.ko
make[1]: Leaving directory '/usr/src/linux-headers-4.15.0-33-generic'
1111111111`);
    const pid = vm.out(
      'cd ~/examples/newgetpid && make >/dev/null && sudo insmod newgetpid.ko && cat /dev/newgetpid; sudo rmmod newgetpid',
      { user: 'student' },
    );
    expect(pid).toMatch(/^Your PID is \d+!\n$/);
  });

  test('two sources, two modules, a folder and flags', () => {
    const at = '/home/student/many';
    write(vm, at, {
      Makefile: `obj-m := pair.o single.o below/\npair-objs := one.o two.o\nccflags-y := -DNUMBER=7\nCFLAGS_single.o := -DMORE=1\n`,
      'one.c': HELLO,
      'two.c': 'int two(void);\nint two(void) { return NUMBER; }\n',
      'single.c': `${HELLO}int more(void);\nint more(void) { return MORE; }\n`,
    });
    write(vm, `${at}/below`, { Makefile: 'obj-m += deep.o\n', 'deep.c': HELLO });
    vm.out(`cd ${at}; make -C /lib/modules/$(uname -r)/build M=$PWD CC= modules 2>&1`, { user: 'student' });
    expect(vm.out(`cd ${at}; find . -name '*.ko' | sort`)).toBe('./below/deep.ko\n./pair.ko\n./single.ko\n');
  });

  test('stock modules come with what they depend on', () => {
    expect(vm.out(`modprobe -v ts_kmp; modprobe nls_utf8; lsmod | awk '{ print $1, $4 }' | sort`)).toContain(
      'textsearch ts_kmp',
    );
    expect(
      Number(vm.out('find /lib/modules/$(uname -r)/kernel -name "*.ko" | wc -l')),
    ).toBeGreaterThanOrEqual(12);
  });
});
