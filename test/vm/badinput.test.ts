/**
 * Bad input, from outside: damaged programs, spent quotas, damaged files. Always expected: the one process gets the error a Linux
 * gives it, or the signal; the VM stays usable and no exception of the simulator's own is ever seen.
 */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { checkpointVm, decodeCheckpoint, encodeCheckpoint } from '../../src/vm/index.ts';
import { type Student, student } from './student.ts';

/** The VM still starts processes, reads and writes files, and halts for no reason. */
function expectUsable(vm: Student): void {
  expect(vm.out('echo still | tr a-z A-Z > /tmp/usable && cat /tmp/usable && rm /tmp/usable')).toBe(
    'STILL\n',
  );
  expect(vm.vm.kernel.halted).toBeNull();
}

describe('damaged programs', () => {
  const SCRIPTS = [
    // Content, what execve says to it, what bash makes of that.
    ['#!\\n', 'ENOEXEC', 0],
    ['#! \\t\\nexit 4\\n', 'ENOEXEC', 4],
    ['#!/nope\\n', 'ENOENT', 127],
    ['#!/etc\\n', 'EACCES', 126],
    ['#!/etc/passwd\\n', 'EACCES', 126],
    ['#!/tmp/spoil/script\\n', 'ELOOP', 126],
    ['', 'ENOEXEC', 0],
    ['\\0\\0\\0\\0', 'ENOEXEC', 126],
    ['\\x7fELF', 'ENOEXEC', 126],
    ['exit 5', 'ENOEXEC', 5],
  ] as const;
  let vm: Student;

  beforeAll(async () => {
    vm = await student();
    vm.out('mkdir -m 777 /tmp/spoil && cat > /tmp/spoil/spoil.c', {
      input: readFileSync(new URL('spoil.c', import.meta.url)),
    });
    vm.out(
      `cat > tiny.c && gcc -static -nostdlib -o tiny tiny.c &&
       echo 'int main(void) { return puts("hi"); }' > hi.c && gcc -include stdio.h -o hi hi.c && gcc -O1 -o spoil spoil.c`,
      {
        cwd: '/tmp/spoil',
        input: 'void _start(void) { __asm__ volatile("li a7, 93; li a0, 7; ecall"); }',
      },
    );
  });

  test.each(SCRIPTS)('script %j: %s', (content, error, status) => {
    vm.out(`printf '${content}' > script; chmod 755 script`, { cwd: '/tmp/spoil' });
    const { stderr } = vm.sh('strace -e trace=execve ./script', { cwd: '/tmp/spoil' });
    expect(stderr).toContain(`= -1 ${error} (`);
    expect(vm.sh('./script', { cwd: '/tmp/spoil' }).status).toBe(status);
  });

  for (const program of ['tiny', 'hi'])
    for (const mode of ['cut', 'head', 'any'])
      test(`${program}, 100 times ${mode}: refused, killed or run`, () => {
        const told = vm.sh(`./spoil ${program} 11 100 ${mode}`, { cwd: '/tmp/spoil', user: 'student' });
        expect(told.stderr).toBe('');
        const [, refused, killed, ran] = /^refused (\d+) killed (\d+) ran (\d+)\n$/.exec(told.stdout) ?? [];
        expect(Number(refused) + Number(killed) + Number(ran)).toBe(100);
        expect(Number(refused)).toBeGreaterThan(0);
        expectUsable(vm);
      });

  test('no permission, a directory, a file being written', () => {
    const told = vm.sh(
      `cp tiny busy; exec 3>>busy; ./busy; echo $?; exec 3>&-; ./busy; echo $?; chmod -x busy; ./busy; echo $?; /etc; echo $?
       cp hi text; exec 4< text; ./text > /dev/null; echo $?`,
      { cwd: '/tmp/spoil' },
    );
    expect(told.stdout).toBe('126\n7\n126\n126\n3\n');
    expect(told.stderr).toContain('./busy: Text file busy');
    expect(told.stderr).toContain('./busy: Permission denied');
    expect(told.stderr).toContain('/etc: Is a directory');
  });
});

describe('spent quotas', () => {
  test('a full disk: ENOSPC, and room again after rm', async () => {
    const vm = await student({ diskMiB: 32 });
    const full = vm.sh('dd if=/dev/zero of=/root/big bs=1M');
    expect(full.stderr).toContain("dd: error writing '/root/big': No space left on device\n");
    expect(full.status).toBe(1);
    expect(vm.sh('echo word > /root/small').stderr).toMatch(/No space left on device/);
    vm.out('rm /root/big');
    expect(vm.out('echo word > /root/small; cat /root/small')).toBe('word\n');
    expectUsable(vm);
  });

  test('too many processes: EAGAIN', async () => {
    const vm = await student({ maxTasks: 100 });
    const bomb = vm.sh('for i in {1..200}; do sleep 1 & done; wait', { user: 'student' });
    expect(bomb.stderr).toContain('fork: retry: Resource temporarily unavailable');
    expectUsable(vm);
  });

  test('a fork bomb of a user whose process limit holds; pkill ends it', async () => {
    const vm = await student();
    vm.out('printf "b() { b | b & }; b\\n" > /tmp/bomb');
    vm.sh('ulimit -u 60; timeout 2 bash /tmp/bomb 2> ~/log', { user: 'student' });
    expect(vm.out('sleep 1; tail -1 ~student/log')).toBe(
      '/tmp/bomb: fork: retry: Resource temporarily unavailable\n',
    );
    vm.sh('while pkill -9 -u student; do :; done');
    expect(vm.sh('ps -u student -o pid=').stdout).toBe('');
    expectUsable(vm);
  });

  test('a memory hog: that process alone is killed, and the log says why', async () => {
    const vm = await student({ memoryMiB: 128 });
    vm.out('gcc -O0 -o /tmp/hog -include stdlib.h -include string.h -x c -', {
      input: 'int main(void) { for (;;) memset(malloc(1 << 20), 1, 1 << 20); }',
    });
    const told = vm.sh('sleep 1000 & /tmp/hog; echo $?; kill -0 $! && echo sleeper lives; kill $!');
    expect(told.stdout).toBe('137\nsleeper lives\n');
    expect(vm.out('dmesg -t | tail -3')).toMatch(
      /^hog invoked oom-killer: .*\nOut of memory: Kill process (\d+) \(hog\) score \d+ or sacrifice child\nKilled process \1 \(hog\) total-vm:/,
    );
    expectUsable(vm);
  });

  test('a full tmpfs', async () => {
    const vm = await student();
    vm.out('mkdir /mnt/t && mount -t tmpfs -o size=1m none /mnt/t');
    expect(vm.sh('dd if=/dev/zero of=/mnt/t/x bs=64k').stderr).toMatch(
      /^dd: error writing '\/mnt\/t\/x': No space left on device\n17\+0 records in\n16\+0 records out\n1048576 bytes/,
    );
    expect(vm.out('rm /mnt/t/x; echo ok > /mnt/t/y; cat /mnt/t/y')).toBe('ok\n');
  });

  test('resource limits: open files, file size, address space, processor time', async () => {
    const vm = await student();
    const files = vm.sh(
      'ulimit -n 20; exec 3</etc/passwd; for i in {4..30}; do eval "exec $i</etc/passwd" || break; done',
    );
    expect(files.stderr).toContain('Too many open files');
    const size = vm.sh(
      'ulimit -f 100; bash -c "head -c 300000 /dev/zero > /tmp/limited"; stat -c %s /tmp/limited',
    );
    expect(size.stdout).toBe('102400\n');
    expect(size.stderr).toContain('File size limit exceeded');
    expect(vm.sh('ulimit -v 20000; head -c 50000000 /dev/zero | sort > /dev/null').stderr).toContain(
      'memory exhausted',
    );
    expect(vm.sh('ulimit -St 1; while :; do :; done').status).toBe(128 + 24);
    expectUsable(vm);
  });
});

describe('names and arguments', () => {
  test('too long: ENAMETOOLONG, E2BIG; too many links: ELOOP', async () => {
    const vm = await student();
    const error = (command: string): string => vm.sh(command, { cwd: '/tmp' }).stderr;
    expect(error('touch $(printf %0255d 0)')).toBe('');
    expect(error('touch $(printf %0256d 0)')).toMatch(/^touch: cannot touch '0+': File name too long\n$/);
    expect(error('ls ./$(printf a/%.0s {1..2100})')).toMatch(/File name too long\n$/);
    expect(error('A=$(printf %0140000d 0) /bin/true')).toMatch(/\/bin\/true: Argument list too long\n$/);
    expect(error('/bin/true $(printf %0100000d\\\\n {1..25})')).toMatch(/Argument list too long\n$/);
    expect(error('ln -s loop loop; cat loop')).toBe('cat: loop: Too many levels of symbolic links\n');
    expect(
      error(
        'ln -s /etc link0; for i in {1..41}; do ln -s link$((i-1)) link$i; done; ls link39/passwd link40/passwd',
      ),
    ).toBe("ls: cannot access 'link40/passwd': Too many levels of symbolic links\n");
  });

  test('a directory deeper than PATH_MAX is entered, named and removed', async () => {
    const vm = await student();
    const name = '0123456789abcdef'.repeat(4);
    expect(
      vm.out(
        `mkdir deep; cd deep; for i in {1..100}; do mkdir ${name}; cd ${name}; done; /bin/pwd | wc -c
         cd /tmp; find deep | wc -l; rm -r deep`,
        { cwd: '/tmp' },
      ),
    ).toBe(`${'/tmp/deep'.length + 100 * 65 + 1}\n101\n`);
    expectUsable(vm);
  });
});

describe('damaged checkpoint files', () => {
  test('are refused with a sentence that names the file', async () => {
    const vm = await student();
    const good = encodeCheckpoint(checkpointVm(vm.vm));
    const refused = (bytes: Buffer) => expect(() => decodeCheckpoint(bytes, 'lesson.oops'));
    refused(Buffer.alloc(0)).toThrow(/^lesson\.oops cannot be restored: it is not a checkpoint; /);
    refused(good.subarray(0, good.length - 1)).toThrow(/^lesson\.oops cannot be restored: it is cut short; /);
    const flipped = Buffer.from(good);
    flipped[good.length >> 1]! ^= 4;
    refused(flipped).toThrow(/^lesson\.oops cannot be restored: its bytes are damaged; /);
    const later = Buffer.from(good);
    later.writeUInt32LE(99, 8);
    refused(later).toThrow(/^lesson\.oops cannot be restored: it has format 99, /);
  });
});
