/** What Makefiles of courses ask of kbuild beyond the plain build: options, other forms of Makefile, installing, checks between modules. */
import { beforeAll, describe, expect, test } from 'vitest';
import { type Student, student } from '../vm/student.ts';

const MODERN = '6.12.107+deb13-riscv64';
const HELLO = `#include <linux/init.h>
#include <linux/module.h>
#ifdef GREETING
static int __init hello_init(void) { pr_info("%s\\n", GREETING); return 0; }
#else
static int __init hello_init(void) { pr_debug("quiet\\n"); return 0; }
#endif
static void __exit hello_exit(void) { }
module_init(hello_init);
module_exit(hello_exit);
MODULE_LICENSE("GPL");
`;
/** The form that the driver book has: read twice, once by make and once by kbuild. */
const TWO_PART = `ifneq ($(KERNELRELEASE),)
	obj-m := hello.o
else
	KERNELDIR ?= /lib/modules/$(shell uname -r)/build
	PWD := $(shell pwd)
default:
	$(MAKE) -C $(KERNELDIR) M=$(PWD) modules
endif
`;
const PLAIN = 'obj-m := hello.o\n';

function write(vm: Student, folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files))
    vm.out(`mkdir -p ${folder}; cat > ${folder}/${name}`, { input: text });
}

describe.each(['4.15.0-33-generic', MODERN])('under %s', (release) => {
  let vm: Student;
  const modern = release === MODERN;
  const build = `make -C /lib/modules/${release}/build`;
  const make = (folder: string, args: string) => {
    const { stdout, status } = vm.sh(`${build} M=${folder} ${args} 2>&1`);
    return { text: stdout, status };
  };
  beforeAll(async () => {
    vm = await student({ release });
  }, 240_000);

  test('a Makefile of two parts', () => {
    write(vm, '/root/two', { Makefile: TWO_PART, 'hello.c': HELLO });
    expect(vm.sh('cd /root/two && make 2>&1').stdout).toContain('LD [M]  /root/two/hello.ko');
    expect(vm.out('cd /root/two && ls *.ko')).toBe('hello.ko\n');
  });

  test('flags for all, for one object, and an empty CC', () => {
    const flags = `${PLAIN}EXTRA_CFLAGS += -DGREETING='"extra"'\n`;
    write(vm, '/root/flags', { Makefile: flags, 'hello.c': HELLO });
    expect(make('/root/flags', 'CC= modules').status).toBe(0);
    vm.out('insmod /root/flags/hello.ko; rmmod hello');
    expect(vm.out('dmesg | tail -1')).toMatch(/\] extra$/m);
    write(vm, '/root/flags', { Makefile: `${PLAIN}CFLAGS_hello.o := -DDEBUG\n` });
    expect(make('/root/flags', 'modules').status).toBe(0);
    vm.out('insmod /root/flags/hello.ko; rmmod hello');
    expect(vm.out('dmesg | tail -1')).toMatch(/\] quiet$/m);
    write(vm, '/root/flags', { Makefile: `${PLAIN}ccflags-y := -Wno-such-thing-at-all -Werror=foo\n` });
    expect(make('/root/flags', 'modules').text).toContain('-Werror=foo');
  });

  test('V=1 shows the commands', () => {
    write(vm, '/root/loud', { Makefile: PLAIN, 'hello.c': HELLO });
    const { text } = make('/root/loud', 'V=1 modules');
    expect(text).toMatch(
      /gcc -Wp,-MMD,\S*\.hello\.o\.d .* -DMODULE .*-c -o \/root\/loud\/hello\.o \/root\/loud\/hello\.c/,
    );
    expect(text).toMatch(/ld -r .*-o \/root\/loud\/hello\.ko/);
    expect(text).not.toContain('CC [M]');
  });

  test('help names the targets', () => {
    expect(make('/root/two', 'help').text).toContain('  modules_install - install the module');
  });

  test('modules_install puts the module where modprobe finds it', () => {
    const { text } = make('/root/two', 'modules_install');
    const place = `/lib/modules/${release}/${modern ? 'updates' : 'extra'}/hello.ko`;
    expect(text).toContain(`  INSTALL ${modern ? place : '/root/two/hello.ko'}\n`);
    expect(text).toContain(`  DEPMOD  ${modern ? `/lib/modules/${release}` : release}\n`);
    expect(vm.out(`ls ${place}; modprobe hello && lsmod | grep -c ^hello; modprobe -r hello`)).toBe(
      `${place}\n1\n`,
    );
  });

  test('an undefined symbol may be let pass', () => {
    const source = HELLO.replace('#ifdef', 'extern int no_such(void);\n#ifdef').replace(
      'pr_debug("quiet\\n"); return 0;',
      'return no_such();',
    );
    write(vm, '/root/undefined', { Makefile: PLAIN, 'hello.c': source });
    const { text, status } = make('/root/undefined', 'KBUILD_MODPOST_WARN=1 modules');
    expect(status).toBe(0);
    expect(text).toMatch(/WARNING: (modpost: )?"no_such" \[\/root\/undefined\/hello\.ko\] undefined!/);
    expect(vm.sh('insmod /root/undefined/hello.ko').stderr).toContain('Unknown symbol in module');
  });

  test('a function that stays and calls one that goes', () => {
    const source = `#include <linux/init.h>
#include <linux/module.h>
static noinline int __init early(int x) { asm volatile("" : "+r"(x)); return x; }
int later(int x);
int later(int x) { return early(x) + 1; }
int init_module(void) { return later(-1); }
MODULE_LICENSE("GPL");
`;
    write(vm, '/root/section', { Makefile: PLAIN, 'hello.c': source });
    const { text, status } = make('/root/section', 'modules');
    expect(status).toBe(0);
    if (modern)
      expect(text).toMatch(
        /WARNING: modpost: \/root\/section\/hello: section mismatch in reference: later\+0x[0-9a-f]+ \(section: \.text[.a-z]*\) -> early \(section: \.init\.text\)/,
      );
    else expect(text).toContain('WARNING: modpost: Found 1 section mismatch(es).');
  });

  test('what one module exports another finds by Module.symvers', () => {
    const giver = (type: string) => `#include <linux/module.h>
${type} given(${type} x);
${type} given(${type} x) { return x + 1; }
EXPORT_SYMBOL(given);
int init_module(void) { return 0; }
void cleanup_module(void) { }
MODULE_LICENSE("GPL");
`;
    const taker = `#include <linux/module.h>
int given(int x);
int init_module(void) { pr_info("given %d\\n", given(41)); return 0; }
void cleanup_module(void) { }
MODULE_LICENSE("GPL");
`;
    write(vm, '/root/giver', { Makefile: 'obj-m := giver.o\n', 'giver.c': giver('int') });
    write(vm, '/root/taker', { Makefile: 'obj-m := taker.o\n', 'taker.c': taker });
    expect(make('/root/giver', 'modules').status).toBe(0);
    const built = make('/root/taker', 'KBUILD_EXTRA_SYMBOLS=/root/giver/Module.symvers modules');
    expect(built.text).not.toContain('undefined');
    expect(vm.out('modinfo -F depends /root/taker/taker.ko')).toBe('giver\n');
    vm.out('insmod /root/giver/giver.ko; insmod /root/taker/taker.ko; rmmod taker giver');
    expect(vm.out('dmesg | tail -1')).toMatch(/\] given 42$/m);
    if (!modern) return;
    // The giver changes what it gives; the taker was built with the old.
    write(vm, '/root/giver', { 'giver.c': giver('long') });
    expect(make('/root/giver', 'modules').status).toBe(0);
    vm.out('insmod /root/giver/giver.ko');
    expect(vm.sh('insmod /root/taker/taker.ko').stderr).toContain('Invalid parameters');
    expect(vm.out('dmesg -t | tail -2')).toBe(
      'taker: disagrees about version of symbol given\ntaker: Unknown symbol given (err -22)\n',
    );
    vm.out('rmmod giver');
  });

  test('a module built for the other kernel is refused', () => {
    const other = modern ? '4.15.0-33-generic' : MODERN;
    write(vm, '/root/other', { Makefile: PLAIN, 'hello.c': HELLO });
    expect(vm.sh(`make -C /lib/modules/${other}/build M=/root/other modules 2>&1`).status).toBe(0);
    expect(vm.sh('insmod /root/other/hello.ko').stderr).toContain('Invalid module format');
    expect(vm.out('dmesg | tail -1')).toMatch(/hello: version magic '.*' should be '.*'$/m);
  });
});
