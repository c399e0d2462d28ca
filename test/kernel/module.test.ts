/** The loader and the runtime: modules come, run, sleep, fail and go. */
import { beforeAll, describe, expect, test } from 'vitest';
import { type Student, student } from '../vm/student.ts';
import { buildModule, newLines } from './module-fixture.ts';

const RELEASE = '6.12.107+deb13-riscv64';

const HELLO = `
int _printk(const char *fmt, ...);
static int counter = 40;
static int twice(int n) { return 2 * n; }
int (*volatile table[2])(int) = { twice, 0 };
int init_module(void) { counter += 2; _printk("\\0016hello: %d %d %s\\n", counter, table[0](21), "ok"); return 0; }
void cleanup_module(void) { _printk("\\0016hello: bye\\n"); }
`;

describe('a module by hand', () => {
  let vm: Student;
  beforeAll(async () => {
    vm = await student({ release: RELEASE });
    buildModule(vm, 'hello', HELLO);
    newLines(vm);
  }, 120_000);

  test('comes, is seen and goes', () => {
    expect(
      vm.out('insmod /tmp/hello.ko; lsmod | grep hello; grep hello /proc/modules | cut -d" " -f1-5,7'),
    ).toBe('hello                  12288  0\nhello 12288 0 - Live (OE)\n');
    expect(newLines(vm)).toEqual([
      '<4>hello: loading out-of-tree module taints kernel.',
      '<5>hello: module verification failed: signature and/or required key missing - tainting kernel',
      '<6>hello: 42 42 ok',
    ]);
    expect(
      vm.out('cat /sys/module/hello/{coresize,initsize,initstate,refcnt,taint} /proc/sys/kernel/tainted'),
    ).toBe('12288\n0\nlive\n0\nOE\n12288\n');
    const again = vm.sh('insmod /tmp/hello.ko');
    expect(again.stderr).toBe('insmod: ERROR: could not insert module /tmp/hello.ko: File exists\n');
    expect(vm.out('rmmod hello; lsmod | grep -c hello || true')).toBe('0\n');
    expect(newLines(vm)).toEqual(['<6>hello: bye']);
  });

  test('says why it does not come', () => {
    vm.out(
      'cd /tmp; echo hello there kernel > text.ko; : > empty.ko; head -c 900 hello.ko > trunc.ko; cp /bin/true exe.ko',
    );
    const refused = (file: string): string => vm.sh(`insmod /tmp/${file}.ko`).stderr.replace(/.*: /, '');
    newLines(vm);
    expect([refused('text'), newLines(vm)]).toEqual([
      'Invalid module format\n',
      ['<3>Invalid ELF header len 19'],
    ]);
    expect([refused('empty'), newLines(vm)]).toEqual(['Invalid parameters\n', []]);
    expect([refused('trunc'), newLines(vm)]).toEqual([
      'Invalid module format\n',
      ['<3>Invalid ELF section header overflow'],
    ]);
    expect([refused('exe'), newLines(vm)]).toEqual([
      'Invalid module format\n',
      ['<3>Invalid ELF header type: 3 != 1'],
    ]);
    expect(vm.sh('insmod /tmp/hello.ko', { user: 'student' }).stderr).toContain('Operation not permitted');
    expect(vm.sh('rmmod nosuch').stderr).toBe('rmmod: ERROR: Module nosuch is not currently loaded\n');
    vm.out(
      'cd /tmp; sed s/mod_unload/mod_unloax/ hello.ko > magic.ko; sed s/_printk/_prantk/g hello.ko > unknown.ko',
    );
    expect([refused('magic'), newLines(vm)]).toEqual([
      'Invalid module format\n',
      [
        `<3>hello: version magic '${RELEASE} SMP mod_unloax modversions riscv' should be '${RELEASE} SMP mod_unload modversions riscv'`,
      ],
    ]);
    expect([refused('unknown'), newLines(vm)]).toEqual([
      'Unknown symbol in module\n',
      ['<4>hello: Unknown symbol _prantk (err -2)'],
    ]);
    expect(vm.out('cat /proc/modules')).toBe('');
  });

  test('init decides', () => {
    const init = (name: string, value: number): void => {
      buildModule(
        vm,
        name,
        `int _printk(const char *fmt, ...); int init_module(void) { return ${value}; } void cleanup_module(void) { _printk("bye\\n"); }`,
      );
    };
    init('refuse', -19);
    init('five', 5);
    newLines(vm);
    expect(vm.sh('insmod /tmp/refuse.ko').stderr).toContain('No such device');
    expect(vm.sh('insmod /tmp/five.ko').status).toBe(0);
    expect(newLines(vm)[0]).toBe(
      "<4>do_init_module: 'five'->init suspiciously returned 5, it should follow 0/-E convention\ndo_init_module: loading module anyway...",
    );
    expect(vm.out('lsmod | cut -d" " -f1; rmmod five; ls /sys/module | grep -c five || true')).toBe(
      'Module\nfive\n0\n',
    );
  });

  test('hundred times leaves nothing behind', () => {
    vm.out('for i in $(seq 100); do insmod /tmp/hello.ko; rmmod hello; done');
    expect(vm.vm.kernel.module.modules).toEqual([]);
    expect(vm.vm.kernel.module.regions).toEqual([]);
  });

  test('one module uses another', () => {
    buildModule(
      vm,
      'giver',
      `int given = 7; int give(int a) { return a + given++; }
       struct ks { unsigned long v; const char *n, *ns; };
       static const struct ks k1 __attribute__((section("__ksymtab"), used)) = { (unsigned long)give, "give", 0 };
       static const struct ks k2 __attribute__((section("__ksymtab_gpl"), used)) = { (unsigned long)&given, "given", 0 };
       int init_module(void) { return 0; } void cleanup_module(void) {}`,
    );
    const taker = `int _printk(const char *fmt, ...); extern int given; int give(int);
       int init_module(void) { _printk("\\0016took %d\\n", give(3)); _printk("\\0016now %d\\n", given); return 0; } void cleanup_module(void) {}`;
    buildModule(vm, 'taker', taker);
    buildModule(vm, 'closed', taker, { license: 'Proprietary' });
    newLines(vm);
    expect(vm.sh('insmod /tmp/taker.ko').stderr).toContain('Unknown symbol in module');
    expect(newLines(vm)).toEqual([
      '<4>taker: Unknown symbol give (err -2)',
      '<4>taker: Unknown symbol given (err -2)',
    ]);
    vm.out('insmod /tmp/giver.ko; insmod /tmp/taker.ko');
    expect(newLines(vm)).toEqual(['<6>took 10', '<6>now 8']);
    expect(vm.out('lsmod | tail -2; ls /sys/module/giver/holders; cut -d" " -f1-5 /proc/modules')).toBe(
      'taker                  12288  0\ngiver                  12288  1 taker\ntaker\ntaker 12288 0 - Live\ngiver 12288 1 taker, Live\n',
    );
    expect(vm.sh('rmmod giver').stderr).toBe('rmmod: ERROR: Module giver is in use by: taker\n');
    expect(vm.sh('rmmod -f giver').stderr).toContain('Resource temporarily unavailable');
    expect(vm.sh('insmod /tmp/closed.ko').status).toBe(1);
    expect(newLines(vm)).toContain('<4>closed: Unknown symbol given (err -2)');
    vm.out('rmmod taker giver');
  });

  test('parameters of every kind', () => {
    const size = 'unsigned short';
    buildModule(
      vm,
      'params',
      `int _printk(const char *fmt, ...);
       struct kp; struct ops { unsigned flags; int (*set)(const char *, const struct kp *); int (*get)(char *, const struct kp *); void (*f)(void *); };
       struct kp { const char *name; void *mod; const struct ops *ops; ${size} perm; signed char level; unsigned char flags; void *arg; };
       struct arr { unsigned max, elemsize; unsigned *num; const struct ops *ops; void *elem; };
       extern const struct ops param_ops_int, param_ops_charp, param_ops_bool, param_ops_byte, param_array_ops;
       static int count = 1; static char *whom = "world"; static _Bool loud; static unsigned char small = 3;
       static int nums[4] = {1,2,3,4}; static unsigned given; static int own;
       static int own_set(const char *v, const struct kp *kp) { _printk("\\0016own %s\\n", v); if (*v == 'x') return -33; own = *v; return 0; }
       static int own_get(char *b, const struct kp *kp) { b[0] = own; b[1] = 10; b[2] = 0; return 2; }
       static const struct ops own_ops = { 0, own_set, own_get, 0 };
       static const struct arr array = { 4, 4, &given, &param_ops_int, nums };
       #define P(n, o, m, a) static const struct kp p_##n __attribute__((section("__param"), used, aligned(8))) = { #n, 0, o, m, -1, 0, a };

       P(count, &param_ops_int, 0644, &count) P(whom, &param_ops_charp, 0444, &whom) P(loud, &param_ops_bool, 0600, &loud)
       P(small, &param_ops_byte, 0644, &small) P(nums, &param_array_ops, 0444, (void *)&array) P(own, &own_ops, 0600, 0)
       int init_module(void) { _printk("\\0016%d %s %d %d\\n", count, whom, loud, small); _printk("\\0016%d of %d %d\\n", given, nums[0], nums[1]); return 0; }
       void cleanup_module(void) { _printk("\\0016count %d own %d\\n", count, own); }`.replaceAll(
        '       #',
        '\n#',
      ),
    );
    newLines(vm);
    vm.out(`insmod /tmp/params.ko count=0x10 whom='"a b"' loud small=200 nums=9,8 own=A nosuch=1`);
    expect(newLines(vm)).toEqual([
      '<6>own A',
      "<4>params: unknown parameter 'nosuch' ignored",
      '<6>16 a b 1 200',
      '<6>2 of 9 8',
    ]);
    expect(
      vm.out(
        'cd /sys/module/params/parameters; cat count whom loud small nums; echo 5 > count; cat own; echo B > own; ls -l | cut -c1-10 | sort -u',
      ),
    ).toBe('16\na b\nY\n200\n9,8\nA\n-r--r--r--\n-rw-------\n-rw-r--r--\ntotal 0\n');
    expect(vm.sh('echo 300 > /sys/module/params/parameters/small').stderr).toContain(
      'Numerical result out of range',
    );
    vm.out('rmmod params');
    expect(newLines(vm)).toEqual(['<6>own B\n', '<6>count 5 own 66']);
    const refused = (args: string): string =>
      vm.sh(`insmod /tmp/params.ko ${args}`).stderr.replace(/.*: /, '');
    expect(refused('count=abc')).toBe('Invalid parameters\n');
    expect(refused('small=256')).toBe('Numerical result out of range\n');
    expect(refused('count')).toBe('Invalid parameters\n');
    expect(refused('own=xy')).toBe('Numerical argument out of domain\n');
    expect(newLines(vm)).toEqual([
      "<3>params: `abc' invalid for parameter `count'",
      "<3>params: `256' invalid for parameter `small'",
      "<3>params: `' invalid for parameter `count'",
      '<6>own xy',
      "<3>params: `xy' invalid for parameter `own'",
    ]);
  });

  test('sleeps in init while others run, and cannot be removed meanwhile', () => {
    buildModule(
      vm,
      'sleeper',
      'int _printk(const char *fmt, ...); void msleep(unsigned); int init_module(void) { msleep(2000); _printk("\\0016awake\\n"); return 0; }',
      { exit: false },
    );
    newLines(vm);
    expect(
      vm.out(
        'insmod /tmp/sleeper.ko & sleep 1; cut -d" " -f1-5,7- /proc/modules; cat /sys/module/sleeper/initstate; rmmod sleeper 2>&1; wait; cut -d" " -f3-5 /proc/modules',
      ),
    ).toBe(
      'sleeper 16384 1 [permanent], Loading (OE+)\ncoming\nrmmod: ERROR: Module sleeper is in use\n0 [permanent], Live\n',
    );
    expect(newLines(vm)).toEqual(['<6>awake']);
    expect(vm.sh('rmmod sleeper').stderr).toContain('Device or resource busy');
    vm.out('rmmod -f sleeper');
  });

  test('a fault in init kills insmod and leaves the module coming', () => {
    buildModule(
      vm,
      'wild',
      'int init_module(void) { *(volatile int *)8 = 1; return 0; } void cleanup_module(void) {}',
    );
    expect(vm.sh('insmod /tmp/wild.ko').status).toBe(139);
    expect(vm.out('grep wild /proc/modules | cut -d" " -f3-5,7')).toBe('1 - Loading (OE+)\n');
    expect(vm.out('echo still here')).toBe('still here\n');
    expect(vm.sh('rmmod -f wild').stderr).toContain('Device or resource busy');
  });
});
