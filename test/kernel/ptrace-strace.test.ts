/** Debian's strace on the kernel's ptrace: what a student does with it. */
import { beforeAll, expect, test } from 'vitest';
import { type Student, student } from '../vm/student.ts';

let vm: Student;
beforeAll(async () => {
  vm = await student();
});

test('strace shows calls with arguments, results and the exit', () => {
  const { stderr, stdout, status } = vm.sh('strace -e trace=execve,write,exit_group /bin/echo hello');
  expect(stdout).toBe('hello\n');
  expect(stderr).toMatch(
    /^execve\("\/bin\/echo", \["\/bin\/echo", "hello"\], 0x[0-9a-f]+ \/\* \d+ vars \*\/\) = 0$/m,
  );
  expect(stderr).toMatch(/^write\(1, "hello\\n", 6\) +(<unfinished \.\.\.>|= 6)$/m);
  expect(stderr).toMatch(/^exit_group\(0\) +=\s\?$/m);
  expect(stderr).toMatch(/^\+\+\+ exited with 0 \+\+\+$/m);
  expect(status).toBe(0);
});

test('strace -f follows a pipeline and says which process did what', () => {
  const { stderr, stdout } = vm.sh("strace -f sh -c 'ls / | wc -l'");
  expect(Number(stdout)).toBeGreaterThan(10);
  expect(stderr.match(/strace: Process \d+ attached$/gm)).toHaveLength(2);
  expect(stderr.match(/^\[pid +\d+\] \+\+\+ exited with 0 \+\+\+$/gm)?.length).toBeGreaterThanOrEqual(1);
  expect(stderr).toMatch(/--- SIGCHLD \{si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=\d+/);
  expect(stderr).not.toContain('op ==');
});

test('strace -c counts calls and errors', () => {
  const { stderr } = vm.sh('strace -c ls /no-such-directory');
  expect(stderr).toMatch(/^% time +seconds +usecs\/call +calls +errors syscall$/m);
  expect(stderr).toMatch(/^ *\d+\.\d\d +\d+\.\d{6} +\d+ +2 +2 statx$/m);
  expect(stderr).toMatch(/^100\.00 .* total$/m);
});

test('strace -o writes to a file, -e picks calls', () => {
  expect(vm.out('strace -o /tmp/log -e trace=openat cat /etc/hostname')).toBe('oopsbox\n');
  const log = vm.out('cat /tmp/log');
  expect(log).toMatch(/^openat\(AT_FDCWD, "\/etc\/hostname", O_RDONLY\) = 3$/m);
  expect(log).not.toContain('read(');
});

test('strace -p attaches to a sleeper and lets it go', () => {
  const { stdout, stderr } = vm.sh(`
    sleep 100 & pid=$!
    (sleep 1; kill -INT $(pgrep -x strace)) &
    strace -p $pid
    kill -0 $pid && echo still there
    kill $pid; wait $pid; echo $?`);
  expect(stderr).toMatch(/^strace: Process \d+ attached$/m);
  expect(stderr).toContain('restart_syscall(<... resuming interrupted clock_nanosleep ...>');
  expect(stderr).toMatch(/strace: Process \d+ detached$/m);
  expect(stdout).toBe('still there\n143\n');
});

test('a traced process stops and continues under job control', () => {
  const { stdout, stderr } = vm.sh(`
    strace -e trace=none sh -c 'kill -STOP $$; echo went on' & sleep 0.5
    ps -o stat= -C sh
    kill -CONT $(pgrep -x sh); wait`);
  expect(stdout).toBe('t\nwent on\n');
  expect(stderr).toContain('--- stopped by SIGSTOP ---');
});

test('another user may not look', () => {
  const { stderr, status } = vm.sh('strace -p 1', { user: 'student' });
  expect(stderr).toBe('strace: attach: ptrace(PTRACE_SEIZE, 1): Operation not permitted\n');
  expect(status).toBe(1);
});
