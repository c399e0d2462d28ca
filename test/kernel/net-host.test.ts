/** Connections from the host to a port of the VM, as ssh -L makes them, and the log that the host adds lines to. */
import { beforeAll, expect, it } from 'vitest';
import { appendHostFile, readHostFile } from '../../src/kernel/fs/host.ts';
import {
  hostConnect,
  hostDisconnect,
  hostReceive,
  hostSend,
  hostShutdown,
} from '../../src/kernel/net/host.ts';
import { runVm, spawnProcess } from '../../src/vm/index.ts';
import { type Student, student } from '../vm/student.ts';

let vm: Student;
beforeAll(async () => {
  vm = await student();
});

const settle = (): void => {
  for (let slices = 0; slices < 2000; slices++) if (runVm(vm.vm, 1e6, 1e9).state !== 'busy') return;
  throw new Error('the VM does not come to rest');
};
/** A server that answers every line in capitals, and ends with its client. */
const serve = (address: string, family: string): void => {
  const program = `use Socket qw(:all); socket(my $s, ${family}, SOCK_STREAM, 0); setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 1);
bind($s, ${address}) or die $!; listen($s, 5); while (accept(my $c, $s)) { select($c); $| = 1; print "hello\\n"; while (<$c>) { print uc }; close $c }`;
  spawnProcess(vm.vm, { argv: ['perl', '-e', program] });
  settle();
};

it.each([
  ['IPv4', "pack_sockaddr_in(7777, inet_aton('127.0.0.1'))", 'AF_INET', 7777],
  ['IPv6 only', "pack_sockaddr_in6(7778, inet_pton(AF_INET6, '::1'))", 'AF_INET6', 7778],
])('a server on the loopback of the VM answers (%s)', (_name, address, family, port) => {
  const k = vm.vm.kernel;
  expect(hostConnect(k, port)).toBe(-111);
  serve(address, family);
  const connection = hostConnect(k, port);
  expect(connection).toBeGreaterThan(0);
  settle();
  expect(Buffer.from(hostReceive(k, connection, 3)!).toString()).toBe('hel');
  expect(Buffer.from(hostReceive(k, connection, 100)!).toString()).toBe('lo\n');
  expect(hostReceive(k, connection, 100)).toHaveLength(0);
  const line = Buffer.from(`${'a'.repeat(50_000)}\n`);
  let sent = 0;
  let received = 0;
  for (let rounds = 0; received < 40 * line.length && rounds < 10_000; rounds++) {
    if (sent < 40 * line.length) sent += hostSend(k, connection, line.subarray(sent % line.length));
    runVm(vm.vm, 1e6);
    received += hostReceive(k, connection, 1e6)?.length ?? 0;
  }
  expect([sent, received]).toEqual([40 * line.length, 40 * line.length]);
  hostShutdown(k, connection);
  expect(hostSend(k, connection, line)).toBe(-32);
  settle();
  expect(hostReceive(k, connection, 100)).toBeNull();
  hostDisconnect(k, connection);
  expect(hostReceive(k, connection, 100)).toBeNull();
  const again = hostConnect(k, port);
  hostDisconnect(k, again);
  settle();
  expect(vm.out(`ss -Htn state established '( sport = :${port} )'`)).toBe('');
});

it('adds to a log, which is made when there is none', () => {
  const k = vm.vm.kernel;
  const text = (name: string) => Buffer.from(readHostFile(k, name) as Uint8Array).toString();
  vm.out('rm -f /var/log/auth.log');
  for (const line of ['one\n', 'two\n'])
    expect(appendHostFile(k, '/var/log/auth.log', Buffer.from(line), { mode: 0o640, gid: 4 })).toBe(0);
  expect(text('/var/log/auth.log')).toBe('one\ntwo\n');
  expect(vm.out('stat -c "%a %U:%G" /var/log/auth.log')).toBe('640 root:adm\n');
  expect(appendHostFile(k, '/var/log', Buffer.from('x'))).toBe(-21);
});
