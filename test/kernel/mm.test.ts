/** Memory as programs see it: mappings, faults and their signals, copy-on-write, limits, and a VM that runs short of it. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Student, student } from '../vm/student.ts';

const source = readFileSync(new URL('programs/mmcheck.c', import.meta.url), 'utf8');

describe('a program that tries everything', () => {
  let lines: string[];
  beforeAll(async () => {
    const vm = await student();
    expect(
      vm.sh('cat > /tmp/mmcheck.c; gcc -w -o /tmp/mmcheck /tmp/mmcheck.c', { input: source }).status,
    ).toBe(0);
    lines = vm.out('/tmp/mmcheck').trim().split('\n');
  });

  it('gets the signals of Linux for bad addresses', () => {
    expect(lines).toContain('null SEGV/1');
    expect(lines).toContain('code write SEGV/2');
    expect(lines).toContain('read-only ok SEGV/2');
    expect(lines).toContain('none read SEGV/2');
    expect(lines).toContain('hole SEGV/1, beside ok ok');
    expect(lines).toContain('no exec 1 2 1');
    expect(lines).toContain('crash 11');
  });
  it('gets the errors of Linux for bad arguments', () => {
    for (const line of [
      'mprotect over hole ENOMEM',
      'msync hole ENOMEM',
      'msync flags EINVAL',
      'madvise hole ENOMEM',
      'madvise bad EINVAL',
      'unaligned EINVAL EINVAL EINVAL',
      'zero length EINVAL EINVAL',
      'no type EINVAL',
      'bad fd EBADF',
      'noreplace EEXIST',
      'shared write of ro EACCES, private ok, of wo EACCES',
      'mprotect ro shared EACCES',
      'offset EINVAL',
      'directory ENODEV',
      'mremap no move ENOMEM',
      'mremap unmapped EFAULT',
      'huge ENOMEM',
      'RLIMIT_AS ENOMEM ok',
      'mincore hole ENOMEM',
      'bad read EFAULT, ro buffer EFAULT',
      'iov 4 EINVAL',
    ])
      expect(lines).toContain(line);
  });
  it('sees files through mappings, and mappings through files', () => {
    expect(lines).toContain('file x x tail 0 beyond BUS/2');
    expect(lines).toContain('file has xs, private sees px');
    expect(lines).toContain('private later xx shared W');
    expect(lines).toContain('grown ok 1');
    expect(lines).toContain('shrunk ok BUS/2');
    expect(lines).toContain('first page s');
  });
  it('shares what is shared with its child and nothing else', () => {
    expect(lines).toContain('fork: child 7, mine 42, shared 9 7, file c');
  });
  it('moves, shrinks and drops mappings', () => {
    expect(lines).toContain('dropped 0');
    expect(lines).toContain('replace ok 0');
    expect(lines).toContain('moved 1 ab 0 old SEGV/1');
    expect(lines).toContain('shrunk a SEGV/1');
    expect(lines).toContain('fixed 1 a');
    expect(lines).toContain('fixed neighbours SEGV/2 ok');
    expect(lines).toContain('sbrk 1 ok');
    expect(lines).toContain('fresh 0');
    expect(lines).toContain('mincore ok 0100');
    expect(lines).toContain('edge 10');
    expect(lines).toContain('process_vm_readv 2 xs');
  });
  it('runs code that it has just written', () => {
    expect(lines).toContain('code 42');
    expect(lines).toContain('code again 43');
    expect(lines.at(-1)).toBe('stack 3');
  });
});

describe('a VM with little memory', () => {
  let vm: Student;
  beforeAll(async () => {
    vm = await student({ memoryMiB: 48, diskMiB: 72 });
  });

  it('kills what takes all of it, and goes on', () => {
    const result = vm.sh("head -c 200000000 /dev/zero | tr '\\0' x | tail -c 100000000 > /dev/null; echo $?");
    expect(result.stdout).toBe('137\n');
    expect(vm.out('dmesg')).toMatch(
      /Out of memory: Kill process \d+ \(tail\) score \d+ or sacrifice child\n.*Killed process \d+ \(tail\) total-vm:\d+kB, anon-rss:\d+kB, file-rss:\d+kB, shmem-rss:0kB/,
    );
    expect(vm.out('echo fine')).toBe('fine\n');
  });
  it('writes files larger than its memory until the disk is full', () => {
    const before = vm.out('df --output=avail /');
    const full = vm.sh('seq 20000000 > /big');
    expect(full.stderr).toContain('No space left on device');
    expect(vm.out('head -n 1 /big; stat -c %s /big')).toMatch(/^1\n[67]\d{7}\n$/);
    expect(
      vm.out(
        'head -c 55000000 /big | tail -c 9; head -c 55000000 /big | cmp - <(seq 20000000 | head -c 55000000) && echo same',
      ),
    ).toContain('same\n');
    expect(vm.sh('rm /big').status).toBe(0);
    expect(vm.out('df --output=avail /')).toBe(before);
  });
  it('reads more files than fit', () => {
    expect(vm.sh('cat /usr/bin/* /usr/lib/riscv64-linux-gnu/*.so* > /dev/null').status).toBe(0);
    expect(vm.out('dmesg | grep -c "Out of memory"')).toBe('1\n');
  });
});
