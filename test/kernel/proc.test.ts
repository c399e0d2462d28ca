/** /proc as programs of Debian read it: formats, rights, and that every file can be read. */
import { beforeAll, describe, expect, it } from 'vitest';
import { type Student, student } from '../vm/student.ts';

let vm: Student;
beforeAll(async () => {
  vm = await student();
});

describe('a process looks at itself', () => {
  it('finds its numbers, name and state', () => {
    const status = vm.out('exec cat /proc/self/status');
    expect(status).toMatch(
      /^Name:\tcat\nUmask:\t0022\nState:\tR \(running\)\nTgid:\t(\d+)\nNgid:\t0\nPid:\t\1\n/,
    );
    expect(status).toMatch(/^Uid:\t0\t0\t0\t0$/m);
    expect(status).toMatch(/^VmRSS:\t +\d+ kB$/m);
    expect(status).toMatch(/^CapBnd:\t0000003fffffffff$/m);
  });
  it('has a stat line of 52 fields', () => {
    const fields = vm.out('exec cat /proc/self/stat').trim().split(' ');
    expect(fields).toHaveLength(52);
    expect(fields[1]).toBe('(cat)');
  });
  it('sees its arguments and environment', () => {
    expect(vm.out("exec tr '\\0' '|' < /proc/self/cmdline")).toBe('tr|\\0|||');
    expect(vm.out("X=1 exec tr '\\0' '\\n' < /proc/self/environ", { env: { A: 'b' } })).toContain('A=b\n');
  });
  it('sees its mappings', () => {
    const maps = vm.out('exec cat /proc/self/maps');
    expect(maps).toMatch(/^[0-9a-f]{10}-[0-9a-f]{10} r-xp 00000000 fe:0\d \d+ +\/usr\/bin\/cat$/m);
    expect(maps).toMatch(/rw-p 00000000 00:00 0 +\[stack\]\n/);
    for (const line of maps.split('\n')) if (line.includes('/')) expect(line.indexOf('/')).toBe(73);
    expect(vm.out('grep -c ^VmFlags /proc/self/smaps')).not.toBe('0\n');
  });
  it('follows its links', () => {
    expect(vm.out('readlink /proc/self/exe')).toBe('/usr/bin/readlink\n');
    expect(vm.out('cd /usr/share; readlink /proc/self/cwd /proc/self/root')).toBe('/usr/share\n/\n');
    expect(vm.out('readlink /proc/self/fd/7 7< /etc/passwd')).toBe('/etc/passwd\n');
    expect(vm.out('readlink /proc/self/fd/0 < <(true)')).toMatch(/^pipe:\[\d+\]\n$/);
    expect(vm.out('readlink /proc/self/ns/uts')).toBe('uts:[4026531838]\n');
  });
  it('opens what a descriptor leads to again', () => {
    expect(vm.out('cat <(echo one) <(echo two)')).toBe('one\ntwo\n');
    expect(vm.out('echo hello | cat /proc/self/fd/0')).toBe('hello\n');
    expect(
      vm.out('exec 5> /tmp/gone; rm /tmp/gone; echo x >&5; cat /proc/self/fd/5; readlink /proc/$$/fd/5'),
    ).toBe('x\n/tmp/gone (deleted)\n');
    expect(vm.out('exec 5< /etc/hostname; cat /proc/self/fdinfo/5')).toMatch(
      /^pos:\t0\nflags:\t0100000\nmnt_id:\t\d+\n/,
    );
  });
  it('changes its name, and nobody else does', () => {
    expect(vm.out('echo -n renamed > /proc/$$/comm; cat /proc/$$/comm; ps -o comm= -p $$; :')).toBe(
      'renamed\nrenamed\n',
    );
    expect(vm.sh('echo x > /proc/1/comm').stderr).toContain('Invalid argument');
  });
});

describe('who may look', () => {
  it('lets a user see what is public of root only', () => {
    const { stdout, stderr } = vm.sh(
      'head -1 /proc/1/status; cat /proc/1/environ; ls /proc/1/fd; readlink /proc/1/exe',
      {
        user: 'student',
      },
    );
    expect(stdout).toBe('Name:\tinit\n');
    expect(stderr).toContain('cat: /proc/1/environ: Permission denied');
    expect(stderr).toContain("ls: cannot open directory '/proc/1/fd': Permission denied");
  });
  it('keeps sysctls for root, with Linux words', () => {
    expect(vm.sh('echo abc > /proc/sys/kernel/hostname', { user: 'student' }).stderr).toContain(
      'Permission denied',
    );
    expect(vm.sh('echo x > /proc/sys/kernel/ostype').stderr).toContain('Permission denied');
    expect(vm.sh('echo 5000000 > /proc/sys/kernel/pid_max').stderr).toContain('Invalid argument');
    expect(vm.out('cat /proc/sys/kernel/{ostype,osrelease} /proc/sys/kernel/printk')).toMatch(
      /^Linux\n4\.15\.0-33-generic\n\d+\t4\t1\t7\n$/,
    );
  });
  it('makes what proc has no names for impossible', () => {
    const { stderr } = vm.sh(
      'touch /proc/new; mkdir /proc/d; rm /proc/version; touch /sys/new; mkdir /sys/d',
    );
    expect(stderr).toContain("touch: cannot touch '/proc/new': No such file or directory");
    expect(stderr).toMatch(/mkdir: cannot create directory .\/proc\/d.: No such file or directory/);
    expect(stderr).toContain("rm: cannot remove '/proc/version': Operation not permitted");
    expect(stderr).toContain("touch: cannot touch '/sys/new': Permission denied");
    expect(stderr).toMatch(/mkdir: cannot create directory .\/sys\/d.: Operation not permitted/);
  });
});

describe('programs that live on /proc', () => {
  it('lists processes', () => {
    expect(vm.out('ps -ef')).toMatch(/^UID +PID +PPID +C STIME TTY +TIME CMD\nroot +1 +0 /);
    expect(
      vm.out('sleep 100 & pgrep -x sleep > /dev/null && pkill sleep; wait $! 2> /dev/null; echo $?'),
    ).toContain('143');
    expect(vm.out('ps -o pid,ppid,stat,user,args -p $$; :')).toContain(
      'bash -c ps -o pid,ppid,stat,user,args',
    );
    expect(vm.out('top -b -n 1 | head -2')).toMatch(/^top - \d\d:\d\d:\d\d up .*load average: /);
    expect(vm.out('pidof sleep; echo done')).toBe('done\n');
    expect(vm.out('pstree -p 1 | head -1')).toMatch(/^init\(1\)/);
  });
  it('measures memory and time', () => {
    expect(vm.out('free')).toMatch(
      /^ +total +used +free +shared +buff\/cache +available\nMem: +\d+ +\d+ +\d+/,
    );
    expect(vm.out('uptime')).toMatch(/ up .* load average: \d+\.\d\d, /);
    expect(vm.out('vmstat | tail -1').trim().split(/\s+/).length).toBeGreaterThanOrEqual(17);
    expect(vm.out('nproc; getconf _NPROCESSORS_ONLN; getconf PAGE_SIZE')).toBe('1\n1\n4096\n');
    expect(vm.out('lscpu')).toMatch(/^Architecture: +riscv64$/m);
  });
  it('shows mounts', () => {
    expect(vm.out('mount')).toMatch(/^proc on \/proc type proc \(rw,nosuid,nodev,noexec,relatime\)$/m);
    expect(vm.out('findmnt -n -o FSTYPE /sys')).toBe('sysfs\n');
    expect(vm.out('df / | tail -1')).toMatch(/ \/$/m);
  });
  it('reads and writes sysctls', () => {
    expect(vm.out('sysctl -w kernel.panic=7; sysctl -n kernel.panic; sysctl -w kernel.panic=0')).toBe(
      'kernel.panic = 7\n7\nkernel.panic = 0\n',
    );
    expect(vm.sh('sysctl -a').stdout).toMatch(/^kernel\.hostname = /m);
    expect(vm.out('cat /proc/sys/kernel/random/uuid')).toMatch(
      /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\n$/,
    );
  });
});

describe('every file', () => {
  it('of /proc can be read, or refuses as on Linux', () => {
    const { stderr } = vm.sh(
      "find /proc -type f ! -name kmsg ! -path '/proc/[0-9]*' | while read f; do cat $f > /dev/null; done",
    );
    const refused = stderr.split('\n').filter((line) => line !== '' && !/Permission denied/.test(line));
    expect(refused).toEqual(['cat: /proc/sysrq-trigger: Input/output error']);
  });
  it('of a process can be read', () => {
    const { stdout, stderr } = vm.sh(
      'sleep 50 & cd /proc/$!; for f in $(find . -maxdepth 1 -type f ! -name pagemap); do cat $f > /dev/null; done; ls -lR . > /dev/null; kill $!',
    );
    expect(stdout).toBe('');
    expect(stderr.split('\n').filter((line) => !/Terminated|^$/.test(line))).toEqual([
      'cat: ./mem: Input/output error',
    ]);
  });
});
