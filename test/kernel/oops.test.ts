/** Faults of module code: what the log, the shell and the machine say, in the words of the recordings. */
import { beforeEach, describe, expect, test } from 'vitest';
import { runVm, spawnProcess } from '../../src/vm/index.ts';
import { type Student, student } from '../vm/student.ts';
import { buildModule, newLines } from './module-fixture.ts';

const MODERN = '6.12.107+deb13-riscv64';

/** A module whose init does `body` on a stack with frames, after `before`. */
const init = (body: string, before = ''): string => `
#pragma GCC optimize ("no-omit-frame-pointer", "O1")
int _printk(const char *fmt, ...);
int printk(const char *fmt, ...);
${before}
static int __attribute__((section(".init.text"))) m_init(void) { ${body} return 0; }
int init_module(void) __attribute__((alias("m_init")));
static void __attribute__((section(".exit.text"))) m_exit(void) { *(volatile int *)0 = 1; }
void cleanup_module(void) __attribute__((alias("m_exit")));`;

const BUG_TABLE = `
#define BREAK(flags) __asm__ volatile("1:\\n\\tebreak\\n\\t.pushsection __bug_table,\\"aw\\"\\n\\t.align 3\\n\\t.dword 1b\\n\\t.dword %0\\n\\t.half %1\\n\\t.half %2\\n\\t.word 0\\n\\t.popsection" : : "i"("/m/x.c"), "i"(10), "i"(flags))
`;

/** Loads a module that stops the VM; answers the lines it said. */
function fatal(vm: Student, command: string): string[] {
  const pid = spawnProcess(vm.vm, { argv: ['/bin/bash', '-c', command], user: 'root' });
  expect(pid).toBeGreaterThan(0);
  for (let i = 0; i < 2000 && !vm.vm.kernel.halted; i++) runVm(vm.vm, 1_000_000, Number.POSITIVE_INFINITY, 1);
  return newLines(vm);
}

/** The lines without registers. */
const plain = (lines: readonly string[]): string[] =>
  lines.filter((line) => !/^<4> (gp|t1|s1|a2|a5|s2|s5|s8|s11|t5) *:/.test(line));

const CHAIN = [
  '<4>[<ffffffff80002912>] do_one_initcall+0x62/0x256',
  '<4>[<ffffffff800d35b0>] do_init_module+0x5e/0x23a',
  '<4>[<ffffffff800d53a6>] load_module+0x1982/0x1e1a',
  '<4>[<ffffffff800d5a36>] init_module_from_file+0x82/0xca',
  '<4>[<ffffffff800d5d46>] __riscv_sys_finit_module+0x278/0x3a6',
  '<4>[<ffffffff80a69d60>] do_trap_ecall_u+0x94/0x1ea',
  '<4>[<ffffffff80a76776>] handle_exception+0x14a/0x156',
];

describe('6.12', () => {
  let vm: Student;
  beforeEach(async () => {
    vm = await student({ release: MODERN });
  }, 120_000);

  test('a wild write kills insmod and leaves the module half loaded', () => {
    buildModule(
      vm,
      'wild',
      init(
        '*(volatile int *)0xdeadbeeful = inner(1);',
        'static int __attribute__((noinline)) inner(int n) { return n + 1; }',
      ),
    );
    newLines(vm);
    const result = vm.sh('insmod /tmp/wild.ko');
    expect(result.status).toBe(139);
    const lines = newLines(vm);
    expect(plain(lines).filter((line) => !/ra : ffff|Code/.test(line))).toEqual([
      '<4>wild: loading out-of-tree module taints kernel.',
      '<5>wild: module verification failed: signature and/or required key missing - tainting kernel',
      '<1>Unable to handle kernel access to user memory without uaccess routines at virtual address 00000000deadbeef',
      '<0>Oops [#1]',
      '<4>Modules linked in: wild(OE+)',
      expect.stringMatching(
        /^<4>CPU: 0 UID: 0 PID: \d+ Comm: insmod Tainted: G {11}OE {6}6\.12\.107\+deb13-riscv64 #1 {2}Debian 6\.12\.107-1$/,
      ),
      '<4>Tainted: [O]=OOT_MODULE, [E]=UNSIGNED_MODULE',
      '<4>Hardware name: riscv-virtio,qemu (DT)',
      expect.stringMatching(/^<4>epc : m_init\+0x[0-9a-f]+\/0x1000 \[wild\]$/),
      expect.stringMatching(/^<4> ra : m_init\+0x[0-9a-f]+\/0x1000 \[wild\]$/),
      '<4>status: 0000000200000120 badaddr: 00000000deadbeef cause: 000000000000000d',
      expect.stringMatching(/^<4>\[<ffffffff01[0-9a-f]{6}>\] m_init\+0x[0-9a-f]+\/0x1000 \[wild\]$/),
      ...CHAIN,
      '<4>---[ end trace 0000000000000000 ]---',
    ]);
    expect(lines.find((line) => line.startsWith('<0>Code'))).toMatch(
      /^<0>Code: ([0-9a-f]{4} ){10}\([0-9a-f]{4}\) [0-9a-f]{4} $|Unable to access instruction/,
    );
    expect(vm.out('lsmod | tail -1; cat /proc/sys/kernel/tainted; cat /sys/kernel/{oops,warn}_count')).toBe(
      'wild                   12288  1\n12416\n1\n0\n',
    );
    const [report] = vm.vm.kernel.panic.reports;
    expect(report).toMatchObject({
      kind: 'oops',
      number: 1,
      comm: 'insmod',
      cause: 13,
      badaddr: '00000000deadbeef',
    });
    expect(report.epc).toMatchObject({ module: 'wild' });
    expect(Object.keys(report.registers)).toHaveLength(31);
  });

  test('a call of nothing', () => {
    buildModule(vm, 'jump', init('((void (*volatile)(void))0)();'));
    newLines(vm);
    expect(vm.sh('insmod /tmp/jump.ko').status).toBe(139);
    const lines = plain(newLines(vm));
    expect(lines).toContain('<4>epc : 0x0');
    expect(lines).toContain('<0>Code: Unable to access instruction at 0xffffffffffffffec.');
    expect(lines.some((line) => line.includes('[<'))).toBe(false);
  });

  test('exit that faults', () => {
    buildModule(vm, 'bad_exit', init(''));
    vm.out('insmod /tmp/bad_exit.ko');
    newLines(vm);
    expect(vm.sh('rmmod bad_exit').status).toBe(139);
    const lines = newLines(vm);
    expect(lines).toContain('<4>Modules linked in: bad_exit(OE-)');
    expect(lines).toContain('<4>[<ffffffff800d60e2>] __riscv_sys_delete_module+0x18c/0x2e4');
    expect(vm.out('lsmod | tail -1')).toBe('bad_exit               12288  -1\n');
  });

  test('BUG stops the machine', () => {
    buildModule(vm, 'bug', init('BREAK(0);', BUG_TABLE));
    newLines(vm);
    const lines = plain(fatal(vm, 'insmod /tmp/bug.ko'));
    expect(lines.slice(2, 6)).toEqual([
      '<4>------------[ cut here ]------------',
      '<2>kernel BUG at /m/x.c:10!',
      '<0>Kernel BUG [#1]',
      '<4>Modules linked in: bug(OE+)',
    ]);
    expect(lines.slice(-4)).toEqual([
      '<4>---[ end trace 0000000000000000 ]---',
      '<0>Kernel panic - not syncing: Fatal exception in interrupt',
      '<2>SMP: stopping secondary CPUs',
      '<0>---[ end Kernel panic - not syncing: Fatal exception in interrupt ]---',
    ]);
    expect(vm.vm.kernel.halted).toMatchObject({ reason: 'panic' });
  });

  test('WARN goes on', () => {
    buildModule(vm, 'warnon', init('BREAK(1 | 9 << 8); _printk("\\0016still alive\\n");', BUG_TABLE));
    newLines(vm);
    expect(vm.sh('insmod /tmp/warnon.ko').status).toBe(0);
    const lines = plain(newLines(vm));
    expect(lines[3]).toMatch(
      /^<4>WARNING: CPU: 0 PID: \d+ at \/m\/x\.c:10 m_init\+0x[0-9a-f]+\/0x1000 \[warnon\]$/,
    );
    expect(lines.at(-1)).toBe('<6>still alive');
    expect(lines).toContain('<4>status: 0000000200000120 badaddr: 0000000000000000 cause: 0000000000000003');
    expect(vm.out('cat /proc/sys/kernel/tainted /sys/kernel/warn_count')).toBe('12800\n1\n');
  });

  test('panic_on_oops, panic_on_warn and kernel.panic', async () => {
    buildModule(vm, 'nullw', init('*(volatile int *)0 = 1;'));
    newLines(vm);
    const lines = fatal(vm, 'sysctl -w kernel.panic_on_oops=1 kernel.panic=5; insmod /tmp/nullw.ko');
    expect(lines.slice(-3)).toEqual([
      '<0>Kernel panic - not syncing: Fatal exception',
      '<2>SMP: stopping secondary CPUs',
      '<0>Rebooting in 5 seconds..',
    ]);
    expect(vm.vm.kernel.halted?.reason).toBe('restart');
    vm = await student({ release: MODERN });
    buildModule(vm, 'warnon', init('BREAK(1 | 9 << 8);', BUG_TABLE));
    newLines(vm);
    const warned = plain(fatal(vm, 'sysctl -w kernel.panic_on_warn=1; insmod /tmp/warnon.ko'));
    expect(warned).toContain('<0>Kernel panic - not syncing: kernel: panic_on_warn set ...');
    expect(warned).toContain('<4>[<ffffffff8002294c>] __warn+0x92/0x132');
  });

  test('a stack that is spent', () => {
    buildModule(
      vm,
      'deep',
      init(
        '_printk("%d", rec(1));',
        'static int __attribute__((noinline)) rec(int n) { volatile char big[512]; big[n % 512] = n; return rec(n + 1) + big[(n + 1) % 512]; }',
      ),
    );
    newLines(vm);
    const lines = plain(fatal(vm, 'insmod /tmp/deep.ko'));
    expect(lines[2]).toBe('<0>Insufficient stack space to handle exception!');
    expect(lines).toContain('<0>Kernel panic - not syncing: Kernel stack overflow');
  });

  test('a loop without end', () => {
    buildModule(vm, 'spin', init('for (;;) __asm__ volatile("");'));
    newLines(vm);
    spawnProcess(vm.vm, {
      argv: ['/bin/bash', '-c', 'sysctl -w kernel.watchdog_thresh=1; insmod /tmp/spin.ko'],
      user: 'root',
    });
    for (let i = 0; i < 6000 && vm.vm.kernel.panic.reports.length < 1; i++)
      runVm(vm.vm, 10_000_000, Number.POSITIVE_INFINITY, 1);
    const lines = plain(newLines(vm));
    expect(lines[2]).toMatch(/^<0>watchdog: BUG: soft lockup - CPU#0 stuck for 2s! \[insmod:\d+\]$/);
    expect(lines).toContain('<4>status: 0000000200000120 badaddr: 0000000000000000 cause: 8000000000000005');
    expect(vm.vm.kernel.taint & (1 << 14)).not.toBe(0);
  });

  test('sysrq c', () => {
    newLines(vm);
    const lines = fatal(vm, 'echo c > /proc/sysrq-trigger');
    expect(lines.slice(0, 2)).toEqual([
      '<6>sysrq: Trigger a crash',
      '<0>Kernel panic - not syncing: sysrq triggered crash',
    ]);
    expect(lines[2]).toMatch(/^<4>CPU: 0 UID: 0 PID: \d+ Comm: bash Not tainted 6\.12/);
    expect(lines).toContain('<4>[<ffffffff806f1720>] __handle_sysrq+0xa4/0x188');
  });
});

describe('4.15', () => {
  test('says it in its own words and survives BUG', async () => {
    const vm = await student();
    buildModule(vm, 'nullw', init('*(volatile int *)0 = 1;'));
    buildModule(vm, 'bug', init('BREAK(0);', BUG_TABLE));
    newLines(vm);
    expect(vm.sh('insmod /tmp/nullw.ko').status).toBe(139);
    const lines = plain(newLines(vm));
    expect(lines).toContain(
      '<1>Unable to handle kernel NULL pointer dereference at virtual address 0000000000000000',
    );
    expect(lines.some((line) => /^<4>sepc: ffffffff01[0-9a-f]{6} ra : /.test(line))).toBe(true);
    expect(vm.sh('insmod /tmp/bug.ko').status).toBe(139);
    expect(vm.out('echo alive')).toBe('alive\n');
  });
});
