/** Networking of a machine that is alone: programs of Debian over loopback TCP, UDP, ICMP, AF_UNIX and netlink. */
import { beforeAll, describe, expect, it } from 'vitest';
import { type Student, student } from '../vm/student.ts';

let vm: Student;
beforeAll(async () => {
  vm = await student();
});

describe('the loopback interface', () => {
  it('is up after boot, with its addresses', () => {
    expect(
      vm.out('ip addr'),
    ).toBe(`1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000
    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
    inet 127.0.0.1/8 scope host lo
       valid_lft forever preferred_lft forever
    inet6 ::1/128 scope host 
       valid_lft forever preferred_lft forever
`);
    expect(vm.out('cat /proc/net/if_inet6')).toBe('00000000000000000000000000000001 01 80 10 80       lo\n');
  });
  it('has local routes and no way out', () => {
    expect(vm.out('ip route; ip -4 route show table local')).toBe(
      'broadcast 127.0.0.0 dev lo proto kernel scope link src 127.0.0.1 \n' +
        'local 127.0.0.0/8 dev lo proto kernel scope host src 127.0.0.1 \n' +
        'local 127.0.0.1 dev lo proto kernel scope host src 127.0.0.1 \n' +
        'broadcast 127.255.255.255 dev lo proto kernel scope link src 127.0.0.1 \n',
    );
    expect(vm.sh('ip route get 192.0.2.1').stderr).toBe('RTNETLINK answers: Network is unreachable\n');
    expect(vm.sh('ping -c1 192.0.2.1').stderr).toBe('ping: connect: Network is unreachable\n');
  });
  it('takes and gives back addresses, from root only', () => {
    expect(vm.sh('ip addr add 10.9.8.7/24 dev lo', { user: 'student' }).stderr).toBe(
      'RTNETLINK answers: Operation not permitted\n',
    );
    expect(vm.out('ip addr add 10.9.8.7/24 dev lo; ping -c1 10.9.8.99 | sed -n 2p')).toMatch(
      /^64 bytes from 10\.9\.8\.99: icmp_seq=1 ttl=64 time=0\.\d+ ms\n$/,
    );
    expect(vm.sh('ip addr add 10.9.8.7/24 dev lo').stderr).toBe('RTNETLINK answers: File exists\n');
    vm.out('ip addr del 10.9.8.7/24 dev lo');
    expect(vm.sh('ping -c1 10.9.8.7').status).toBe(2);
  });
  it('can be taken down', () => {
    const said = vm.sh('ip link set lo down; ip -br link; ping -4 -c1 localhost; ip link set lo up');
    expect(said.stdout).toBe('lo               DOWN           00:00:00:00:00:00 <LOOPBACK> \n');
    expect(said.stderr).toBe('ping: connect: Network is unreachable\n');
    expect(vm.out('ip -br addr')).toBe('lo               UNKNOWN        127.0.0.1/8 ::1/128 \n');
  });
});

describe('ping', () => {
  it('is answered by the machine itself, for everyone', () => {
    const text = vm.out('ping -c2 -i0.2 -s 100 localhost', { user: 'student' });
    expect(text).toMatch(/^PING localhost \(::1\) 100 data bytes\n/);
    expect(text).toMatch(/^108 bytes from localhost \(::1\): icmp_seq=2 ttl=64 time=0\.\d+ ms$/m);
    expect(text).toContain('2 packets transmitted, 2 received, 0% packet loss');
    expect(vm.out('ping -4 -c1 oopsbox', { user: 'student' })).toContain(
      '64 bytes from oopsbox (127.0.1.1): icmp_seq=1 ttl=64',
    );
  });
  it('uses a raw socket where the group range does not allow others', () => {
    const range = '/proc/sys/net/ipv4/ping_group_range';
    expect(vm.out(`echo 1 0 > ${range}; ping -4 -c1 127.0.0.1; echo 0 2147483647 > ${range}`)).toContain(
      '1 packets transmitted, 1 received, 0% packet loss',
    );
  });
});

describe('names', () => {
  it('come from /etc/hosts', () => {
    expect(vm.out('getent hosts oopsbox; getent hosts localhost')).toMatch(
      /^127\.0\.1\.1 +oopsbox\n::1 +localhost ip6-localhost ip6-loopback\n$/,
    );
  });
  it('fail at once when nobody knows them', () => {
    const before = vm.vm.kernel.time.nowNs;
    expect(vm.sh('ping -c1 nowhere.example').stderr).toBe(
      'ping: nowhere.example: Temporary failure in name resolution\n',
    );
    expect(vm.sh('hostname new; sudo true; hostname oopsbox').stderr).toBe(
      'sudo: unable to resolve host new: Temporary failure in name resolution\n',
    );
    expect(
      vm.out('date +%s > /tmp/a; getent hosts nowhere.example; echo $(($(date +%s) - $(cat /tmp/a)))'),
    ).toMatch(/^[01]\n$/);
    expect(vm.vm.kernel.time.nowNs).toBeGreaterThan(before);
  });
});

describe('TCP', () => {
  it('is refused where nobody listens', () => {
    expect(vm.sh('echo > /dev/tcp/127.0.0.1/99').stderr).toBe(
      '/bin/bash: connect: Connection refused\n/bin/bash: line 1: /dev/tcp/127.0.0.1/99: Connection refused\n',
    );
  });
  it('carries ssh, and ss shows it', () => {
    vm.out(
      'ssh-keygen -q -t ed25519 -N "" -f /etc/ssh/ssh_host_ed25519_key; /usr/sbin/sshd; mkdir -p -m 700 /root/.ssh; cd /root/.ssh; ssh-keygen -q -t ed25519 -N "" -f id_ed25519',
    );
    vm.out('cp /root/.ssh/id_ed25519.pub /root/.ssh/authorized_keys');
    expect(vm.out('ss -Htln')).toMatch(
      /^LISTEN +0 +0 +0\.0\.0\.0:22 +0\.0\.0\.0:\* *\nLISTEN +0 +0 +\*:22 +\*:\* *\n$/,
    );
    const ssh = 'ssh -q -o StrictHostKeyChecking=no 127.0.0.1';
    expect(vm.out(`${ssh} 'id -un; ss -Htn | cut -c1-5'`)).toBe('root\nESTAB\nESTAB\n');
    expect(vm.out(`head -c 500000 /dev/zero | ${ssh} md5sum`)).toBe('665fdfff72e08d31c2444ad00a0040e9  -\n');
    expect(vm.out('ss -Htna state time-wait | wc -l')).toBe('2\n');
    expect(vm.out('echo "$(exec 3<>/dev/tcp/localhost/22; head -1 <&3)"')).toMatch(/^SSH-2\.0-OpenSSH/);
  });
  it('keeps ports below 1024 for root', () => {
    const bind = `perl -MSocket -e 'socket(S, PF_INET, SOCK_STREAM, 0); bind(S, sockaddr_in(80, INADDR_ANY)) or die "$!\\n"'`;
    expect(vm.sh(bind, { user: 'student' }).stderr).toBe('Permission denied\n');
    expect(vm.sh(bind).status).toBe(0);
  });
});

describe('sockets as files', () => {
  it('have names, inodes and rights', () => {
    const perl = `perl -MSocket -e 'socket(S, PF_UNIX, SOCK_STREAM, 0); bind(S, sockaddr_un("/tmp/s")); listen(S, 1); print readlink("/proc/self/fd/3"), "\\n"; system("stat -c \\"%A %F\\" /tmp/s; grep -c \\" 00010000 0001 01 .* /tmp/s\\" /proc/net/unix")'`;
    expect(vm.out(perl)).toMatch(/^socket:\[\d+\]\nsrwxr-xr-x socket\n1\n$/);
    expect(
      vm.sh(
        `perl -MSocket -e 'socket(S, PF_UNIX, SOCK_STREAM, 0); connect(S, sockaddr_un("/tmp/s")) or die "$!\\n"'`,
      ).stderr,
    ).toBe('Connection refused\n');
  });
  it('of families that are not there are refused', () => {
    const perl =
      'for $f (9, 17, 40) { socket(S, $f, 3, 0) or print "$!\\n" } socket(S, 16, 3, 9) or print "$!\\n"';
    expect(vm.out(`perl -e '${perl}'`)).toBe(
      `${'Address family not supported by protocol\n'.repeat(3)}Protocol not supported\n`,
    );
  });
});
