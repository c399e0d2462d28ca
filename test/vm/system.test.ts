/** The machine as its owner sees it: names, users, processes, the log, the console; words as in recordings of a real Linux. */
import { beforeAll, describe, expect, test } from 'vitest';
import { consoleRead, consoleWrite, runVm } from '../../src/vm/index.ts';
import { type Student, student } from './student.ts';

let vm: Student;
const me = { user: 'student' };

beforeAll(async () => {
  vm = await student();
  // Debian's own hash, yescrypt, takes seconds of a slow machine for each password.
  vm.out("sed -i 's/yescrypt/sha512 rounds=1000/' /etc/pam.d/common-password");
});

describe('names', () => {
  test('hostname, asked in every way', () => {
    expect(vm.out('hostname; cat /etc/hostname /proc/sys/kernel/hostname; uname -n', me)).toBe(
      'oopsbox\n'.repeat(4),
    );
    expect(
      vm.sh('hostname -f; hostname -i; hostname -I; hostname -s; hostname -d; hostname -y', me),
    ).toMatchObject({
      stdout: 'oopsbox\n127.0.1.1\n\noopsbox\nhostname: Local domain name not set\n',
      stderr: '',
      status: 1,
    });
  });

  test('a student may not change it, root may, and sudo cannot look it up then', () => {
    expect(vm.sh('hostname newname', me)).toMatchObject({
      stderr: 'hostname: you must be root to change the host name\n',
      status: 1,
    });
    expect(vm.out('sudo hostname newname; hostname; cat /etc/hostname; uname -n', me)).toBe(
      'newname\noopsbox\nnewname\n',
    );
    expect(vm.sh('sudo true', me)).toMatchObject({
      stderr: 'sudo: unable to resolve host newname: Temporary failure in name resolution\n',
      status: 0,
    });
    expect(vm.sh('getent hosts newname', me).status).toBe(2);
    expect(vm.sh('sudo hostname oopsbox', me).status).toBe(0);
  });

  test('names that are not names', () => {
    expect(vm.sh('hostname ""; hostname "has space"; hostname under_score; hostname').stdout).toBe(
      'oopsbox\n',
    );
    expect(vm.sh('hostname under_score').stderr).toBe('hostname: the specified hostname is invalid\n');
    expect(vm.sh('hostname $(head -c 65 /dev/zero | tr "\\0" a)').stderr).toBe('hostname: name too long\n');
    expect(vm.sh('echo abc > /proc/sys/kernel/hostname', me).stderr).toContain('Permission denied');
    expect(vm.sh('echo other > /etc/hostname', me).stderr).toContain('/etc/hostname: Permission denied');
  });

  test('/etc/hosts is asked, for ping, getent and ssh', () => {
    vm.out('echo "127.0.9.9 friend.example friend" >> /etc/hosts');
    expect(vm.out('getent hosts friend', me)).toBe('127.0.9.9       friend.example friend\n');
    expect(vm.out('getent ahosts localhost', me).split('\n')[0]).toBe('::1             STREAM localhost');
    const ping = vm.out('ping -c1 friend');
    expect(ping).toContain('PING friend.example (127.0.9.9) 56(84) bytes of data.');
    expect(ping).toMatch(/64 bytes from friend\.example \(127\.0\.9\.9\): icmp_seq=1 ttl=64 time=[\d.]+ ms/);
    expect(ping).toContain('1 packets transmitted, 1 received, 0% packet loss');
    expect(vm.sh('ping -c1 nosuch', me)).toMatchObject({
      stderr: 'ping: nosuch: Temporary failure in name resolution\n',
      status: 2,
    });
    expect(vm.sh('ssh -o BatchMode=yes nosuch', me)).toMatchObject({ status: 255 });
    expect(vm.sh('ping', me).stderr).toBe('ping: usage error: Destination address required\n');
  });

  test('what is written in /etc holds after a reboot, what is not does not', async () => {
    const other = await student();
    other.out(
      'echo fresh > /etc/hostname; echo "127.0.1.1 fresh" >> /etc/hosts; seq 50000 > /root/kept; hostname lost; touch /run/gone',
    );
    other.out(
      'mkdir -p /home/student/d/e; ln /root/kept /root/link; rm -r /usr/share/bug /etc/motd; mv /etc/issue /etc/moved',
      {},
    );
    other.reboot();
    expect(other.out('hostname; cat /etc/hostname', me)).toBe('fresh\nfresh\n');
    expect(other.out('getent hosts fresh', me)).toBe('127.0.1.1       fresh\n');
    expect(other.out('sudo id -un', me)).toBe('root\n');
    expect(
      other.out('cmp /root/kept <(seq 50000); stat -c %h /root/link; ls -d /home/student/d/e /etc/moved'),
    ).toBe('2\n/etc/moved\n/home/student/d/e\n');
    expect(other.sh('ls /run/gone /etc/motd /etc/issue').status).toBe(2);
    expect(Number(other.out('cut -d. -f1 /proc/uptime'))).toBeLessThan(60);
    expect(other.out('dmesg | head -1')).toContain('[    0.000000] Linux version 4.15.0-33-generic');
  });
});

describe('users', () => {
  test('sudo, su and who one is', () => {
    expect(vm.out('id', me)).toBe('uid=1000(student) gid=1000(student) groups=1000(student),27(sudo)\n');
    expect(vm.out('sudo id; sudo -u nobody id -un; sudo -u \\#0 whoami', me)).toBe(
      'uid=0(root) gid=0(root) groups=0(root)\nnobody\nroot\n',
    );
    expect(vm.out('sudo -l | tail -2', me)).toContain('(ALL) NOPASSWD: ALL');
    expect(
      vm.out('su student -c "id -un; pwd"; su - student -c "pwd; echo $HOME"; su -s /bin/sh nobody -c id'),
    ).toContain('student\n/root\n/home/student\n');
    expect(vm.sh('su -c id', { ...me, input: 'wrong\n' })).toMatchObject({
      stderr: expect.stringContaining('su: Authentication failure'),
      status: 1,
    });
    expect(vm.sh('sudo nosuchcommand', me)).toMatchObject({
      stderr: 'sudo: nosuchcommand: command not found\n',
      status: 1,
    });
    expect(vm.sh('cat /etc/shadow', me).stderr).toBe('cat: /etc/shadow: Permission denied\n');
  });

  test('users and groups are made, given passwords and removed', () => {
    vm.out('useradd -m -s /bin/bash bob; groupadd lab; usermod -aG lab bob');
    expect(vm.out('id bob; su - bob -c "pwd; groups"')).toMatch(
      /^uid=1001\(bob\) gid=1001\(bob\) groups=1001\(bob\),1002\(lab\)\n\/home\/bob\nbob lab\n$/,
    );
    expect(vm.sh('passwd bob', { input: 'Secret-42\nSecret-42\n' })).toMatchObject({
      status: 0,
      stderr: expect.stringContaining('password updated successfully'),
    });
    expect(vm.out('passwd -S bob | cut -d" " -f1,2')).toBe('bob P\n');
    expect(vm.sh('passwd', { user: 'bob', input: 'wrong\n' })).toMatchObject({ status: 10 });
    expect(vm.sh('su bob -c id', { ...me, input: 'Secret-42\n' })).toMatchObject({
      stdout: expect.stringContaining('uid=1001(bob)'),
      status: 0,
    });
    expect(vm.sh('userdel -r bob 2>/dev/null; id bob').stderr).toBe('id: ‘bob’: no such user\n');
  });

  test('a login on the console', () => {
    vm.out('echo student:Secret-42 | chpasswd');
    const say = (keys: string, wanted: RegExp): void => {
      consoleWrite(vm.vm, Buffer.from(keys));
      let text = '';
      for (let spent = 0; !wanted.test(text); spent++) {
        runVm(vm.vm, 1_000_000, 10e9, 1);
        text += Buffer.from(consoleRead(vm.vm)).toString();
        if (spent > 3000) throw new Error(`waited in vain for ${wanted}: ${JSON.stringify(text)}`);
      }
    };
    say('', /oopsbox login: /);
    say('student\r', /Password: $/);
    say('nonsense\r', /Login incorrect\s+oopsbox login: /);
    say('student\r', /Password: $/);
    say('Secret-42\r', /\$ $/);
    say('tty; who; ps -o tty,comm\r', /\/dev\/ttyS0\r\n[\s\S]*ttyS0 +bash[\s\S]*\$ $/);
    say('sh -c "echo started; exec sleep 1000"\r', /started\r\n$/);
    say('\x03', /\$ $/);
    say('exit\r', /oopsbox login: $/);
  });
});

describe('processes', () => {
  test('ps in its forms', () => {
    expect(vm.out('ps -p 1 -o pid,ppid,user,stat,comm')).toMatch(
      /^ +PID +PPID USER +STAT COMMAND\n +1 +0 root +Ss +init\n$/,
    );
    expect(vm.out('ps aux | head -1')).toBe(
      'USER       PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND\n',
    );
    expect(vm.out('ps -ef', me)).toMatch(/^UID +PID +PPID +C STIME TTY +TIME CMD\nroot +1 +0 +0 /);
    expect(vm.out('sleep 100 & ps -o pid= -C sleep; pgrep -x sleep; kill $!')).toMatch(/^ *(\d+)\n\1\n$/);
    expect(vm.out('pstree -p 1 | head -1')).toMatch(/^init\(1\)-/);
  });

  test('kill, pkill, killall, nice, renice', () => {
    expect(
      vm.sh(
        'sleep 100 & sleep 101 & sleep 102 & kill %1; pkill -xf "sleep 101"; killall sleep; wait; jobs; echo left',
      ),
    ).toMatchObject({ stdout: 'left\n' });
    expect(vm.sh('kill -9 1; kill 1', me).stderr).toBe(
      '/bin/bash: line 1: kill: (1) - Operation not permitted\n'.repeat(2),
    );
    expect(
      vm.out('nice -n 7 ps -o ni= -p $$; sleep 50 & renice -n 5 -p $! >/dev/null; ps -o ni= -p $!; kill $!'),
    ).toMatch(/^ +0\n +5\n$/);
    expect(vm.sh('kill -9 -1; echo not reached', me)).toMatchObject({ status: 0 });
  });

  test('top, free, uptime, w, vmstat', () => {
    expect(vm.out('top -bn1 | head -1')).toMatch(
      /^top - \d\d:\d\d:\d\d up .*, +\d users?, +load average: \d+\.\d\d, \d+\.\d\d, \d+\.\d\d\n$/,
    );
    expect(vm.out('free -k')).toMatch(
      /^ +total +used +free +shared +buff\/cache +available\nMem: +\d+ +\d+ +\d+ +\d+ +\d+ +\d+\nSwap: +0 +0 +0\n$/,
    );
    expect(vm.out('uptime')).toMatch(/^ \d\d:\d\d:\d\d up .* load average: /);
    expect(vm.out('w -h; vmstat | wc -l')).toContain('3\n');
    expect(vm.out('nproc; getconf PAGE_SIZE; lscpu | head -1')).toMatch(
      /^1\n4096\nArchitecture: +riscv64\n$/,
    );
  });
});

describe('the log', () => {
  test('dmesg shows it to root only, and in every form', () => {
    expect(vm.sh('dmesg', me)).toMatchObject({
      stderr: 'dmesg: read kernel buffer failed: Operation not permitted\n',
      status: 1,
    });
    vm.out(
      'dmesg -C; echo "hello from user space" > /dev/kmsg; echo "<3>an error" > /dev/kmsg; echo "<4>a warning" > /dev/kmsg',
    );
    expect(vm.out('dmesg -t')).toBe('hello from user space\nan error\na warning\n');
    expect(vm.out('dmesg -x')).toMatch(
      /^user {2}:warn {2}: \[ *\d+\.\d{6}\] hello from user space\nuser {2}:err {3}: /,
    );
    expect(vm.out('dmesg -t -l err; dmesg -r | cut -c1-4; dmesg -t -f user | wc -l; dmesg -k | wc -l')).toBe(
      'an error\n<12>\n<11>\n<12>\n3\n0\n',
    );
    expect(vm.sh('dmesg -l nosuch')).toMatchObject({ stderr: "dmesg: unknown level 'nosuch'\n", status: 1 });
    expect(vm.out('dmesg -T | head -1')).toMatch(/^\[\w{3} \w{3} +\d+ \d\d:\d\d:\d\d \d{4}\] hello/);
    expect(vm.out('dmesg -d | tail -1')).toMatch(/^\[ *\d+\.\d{6} < +\d+\.\d{6}>\] a warning/);
    expect(vm.out('dmesg -J | tail -6')).toMatch(/"pri": 12,\n +"time": +[\d.]+,\n +"msg": "a warning"\n/);
    expect(vm.out('dmesg -c | wc -l; dmesg | wc -l')).toBe('3\n0\n');
    expect(vm.sh('dmesg -C; dmesg -n 1', me).stderr).toBe(
      'dmesg: clear kernel buffer failed: Operation not permitted\ndmesg: klogctl failed: Operation not permitted\n',
    );
    expect(
      vm.out('dmesg -n 4; cat /proc/sys/kernel/printk; dmesg -n debug; cut -f1 /proc/sys/kernel/printk'),
    ).toMatch(/^4\t4\t1\t7\n8\n$/);
    expect(vm.sh('timeout 1 dmesg -w').status).toBe(124);
  });

  test('a program that dies of a fault is told there', () => {
    vm.out('dmesg -C');
    expect(vm.sh('perl -e \'unpack "p", pack("Q", 8)\'').status).toBe(139);
    expect(vm.out('dmesg -t')).toMatch(
      /^perl\[\d+\]: unhandled signal 11 code 0x1 at 0x0{15}8 in \S+\[[0-9a-f]+\+[0-9a-f]+\]\n/,
    );
  });
});

test('what the machine says it is', () => {
  expect(vm.out('uname -a')).toBe(
    'Linux oopsbox 4.15.0-33-generic #36-Ubuntu SMP Wed Aug 15 16:00:05 UTC 2018 riscv64 GNU/Linux\n',
  );
});

test('ssh-keygen makes keys', () => {
  expect(
    vm.out(
      'ssh-keygen -q -t ed25519 -N "" -f ~/.ssh/id_ed25519 && stat -c "%a %n" .ssh/*; ssh-keygen -lf .ssh/id_ed25519.pub',
      me,
    ),
  ).toMatch(
    /^600 \.ssh\/id_ed25519\n644 \.ssh\/id_ed25519\.pub\n256 SHA256:\S{43} student@oopsbox \(ED25519\)\n$/,
  );
  expect(vm.sh('ssh-keygen -t ed25519 -N "" -f ~/.ssh/id_ed25519 < /dev/null', me).stdout).toContain(
    'already exists.\nOverwrite (y/n)? ',
  );
});

test('find / sees the whole tree', () => {
  expect(vm.sh('find / -name ones', me).stderr).toMatch(/^find: ‘\/root’: Permission denied$/m);
  expect(vm.sh('find / -name ones')).toMatchObject({
    stdout: '/home/student/examples/ones\n',
    stderr: '',
    status: 0,
  });
  expect(Number(vm.out('find / -xdev | wc -l'))).toBeGreaterThan(5000);
});

test('mounts, devices and modules lie where they belong', () => {
  expect(vm.out('ls /lib/modules')).toContain('4.15.0-33-generic\n');
  expect(vm.out('stat -c "%t:%T %A" /dev/null /dev/zero /dev/tty /dev/kmsg')).toBe(
    '1:3 crw-rw-rw-\n1:5 crw-rw-rw-\n5:0 crw-rw-rw-\n1:b crw-r--r--\n',
  );
  expect(
    vm.out(
      'mkdir -p /mnt/x; mount -t tmpfs -o size=1M none /mnt/x; head -c 2M /dev/zero > /mnt/x/f 2>/dev/null; stat -c %s /mnt/x/f; umount /mnt/x; ls /mnt/x',
    ),
  ).toBe('1048576\n');
  expect(vm.sh('mount -t tmpfs none /mnt', me)).toMatchObject({
    stderr: expect.stringContaining('must be superuser to use mount'),
  });
});
