/** execve and the engine: what runs, what does not and how it says so; the same history however the host cuts its budgets. */
import { beforeAll, describe, expect, it } from 'vitest';
import { closeInput, createVm, exitStatusOf, runVm, spawnProcess } from '../../src/vm/index.ts';
import { type Student, student, workbench } from '../vm/student.ts';

describe('running a file', () => {
  let vm: Student;
  beforeAll(async () => {
    vm = await student();
  });
  /** Makes an executable file and runs it. */
  const run = (content: string, args = ''): { stdout: string; stderr: string; status: number } =>
    vm.sh(`cat > /tmp/f; chmod +x /tmp/f; cd /tmp; ./f ${args}`, { input: content });

  it('refuses what is no program', () => {
    expect(run('\x7fELF\x02\x01\x01 and no more')).toMatchObject({ status: 126 });
    expect(run('\x7fELF\x02\x01\x01 and no more').stderr).toContain('Exec format error');
    expect(vm.sh('mkdir -p /tmp/d; /tmp/d').stderr).toContain('Is a directory');
    expect(vm.sh('/etc/passwd').stderr).toContain('Permission denied');
    expect(vm.sh('/no/such').status).toBe(127);
  });
  it('kills the caller over a program that was cut off', () => {
    expect(vm.sh('head -c 3000 /bin/ls > /tmp/cut; chmod +x /tmp/cut; /tmp/cut').status).toBe(139);
  });
  it('follows interpreters, with one argument, five deep', () => {
    expect(run('#!/bin/echo  two words \n', 'a b').stdout).toBe('two words ./f a b\n');
    expect(vm.out("cd /tmp; printf '#!./f\\n' > g; chmod +x g; ./g z")).toBe('two words ./f ./g z\n');
    expect(run('#!/no/such/interpreter\n')).toMatchObject({ status: 127 });
    expect(run('#!./f\n').stderr).toContain('Too many levels of symbolic links');
    expect(run('echo without $1\n', 'it').stdout).toBe('without it\n');
  });
  it('does not run what is being written, nor lets write what runs', () => {
    expect(vm.sh('cp /bin/true /tmp/t; exec 9>> /tmp/t; /tmp/t').stderr).toContain('Text file busy');
    expect(vm.sh('cp /bin/sleep /tmp/s; /tmp/s 5 & sleep 0.1; echo x > /tmp/s; kill $!').stderr).toContain(
      'Text file busy',
    );
  });
  it('limits arguments', () => {
    const long = vm.sh('/bin/true "$(head -c 140000 /dev/zero | tr "\\0" a)"');
    expect(long.stderr).toContain('Argument list too long');
    expect(vm.out('/bin/echo $(seq 20000) | wc -c')).toBe('108894\n');
    expect(vm.sh('ulimit -s 200; /bin/true $(seq 30000)').stderr).toContain('Argument list too long');
  });
  it('takes on the ids of a set-user-ID file, unless the mount forbids it', () => {
    expect(
      vm.sh('cp /bin/id /usr/bin/myid; chown root:games /usr/bin/myid; chmod 6755 /usr/bin/myid').status,
    ).toBe(0);
    expect(vm.out('/usr/bin/myid -u; /usr/bin/myid -ru; /usr/bin/myid -gn', { user: 'student' })).toBe(
      '0\n1000\ngames\n',
    );
    expect(
      vm.sh('mkdir /tmp/ns; mount -t tmpfs -o nosuid none /tmp/ns; cp -p /usr/bin/myid /tmp/ns').status,
    ).toBe(0);
    expect(vm.out('/tmp/ns/myid -u', { user: 'student' })).toBe('1000\n');
  });
  it('ends a stack that grows for ever', () => {
    const source =
      'int f(int n){ volatile char a[1000]; a[0]=n; return f(n+1)+a[0]; } int main(){ return f(0); }';
    const result = vm.sh('gcc -xc -w -o /tmp/deep -; /tmp/deep', { input: source });
    expect(result.status).toBe(139);
    expect(vm.out('dmesg | tail -2')).toMatch(
      /deep\[\d+\]: unhandled signal 11 code 0x1 at 0x[0-9a-f]{16} in deep\[/,
    );
  });
});

describe('cutting budgets', () => {
  const command =
    'ls -lR /etc | sort | md5sum; (for i in 1 2 3; do sleep 0.05; echo $i; done) | cat & wait; seq 300 | xargs -n 50 -P 4 echo; timeout 0.02 yes > /dev/null';

  async function history(budget: () => number): Promise<string[]> {
    const { machine, image } = await workbench();
    const log: string[] = [];
    const vm = createVm(
      machine,
      image,
      {},
      {
        unsupported: () => {},
        traceSyscall: (tid, comm, name, args, result) =>
          log.push(`${vm.kernel.time.nowNs} ${tid} ${comm} ${name}(${args.join()}) = ${result}`),
      },
    );
    const pid = spawnProcess(vm, { argv: ['/bin/bash', '-c', command] });
    closeInput(vm, pid);
    while (!exitStatusOf(vm, pid)) if (runVm(vm, budget(), 60e9).state === 'halted') break;
    return log;
  }

  it('changes nothing that a program can see', async () => {
    let seed = 12345;
    const ragged = (): number => {
      seed = (seed * 1103515245 + 12345) & 0x7fffffff;
      return 1 + (seed % 5000);
    };
    const [smooth, cut] = [await history(() => 1_000_000), await history(ragged)];
    const length = Math.min(smooth.length, cut.length);
    expect(length).toBeGreaterThan(1000);
    expect(cut.slice(0, length)).toEqual(smooth.slice(0, length));
  });
});
