/** /proc/net: the tables of sockets, interfaces and counters (man 5 proc; net/ipv4/tcp_ipv4.c, udp.c, net/unix/af_unix.c). */
import { provideNetFile } from '../fs/proc/net.ts';
import type { Kernel } from '../kernel.ts';
import { ipBytesFor, isIpv4 } from './address.ts';
import { counter, SNMP } from './counters.ts';
import { Af, Sock } from './flags.ts';
import { closedConnections } from './inet/ports.ts';
import { kernelRoutes } from './netlink/route.ts';
import { type ClosedConnection, type Ip, type Socket, Tcp } from './types.ts';

/** A kernel address, which nobody is shown (kptr_restrict). */
const POINTER = '0'.repeat(16);
const hex = (value: number, width: number): string =>
  (value >>> 0).toString(16).toUpperCase().padStart(width, '0');

/** An address as words of this machine's byte order. */
function words(family: number, ip: Ip): string {
  const bytes = ipBytesFor(family, ip);
  let out = '';
  for (let at = 0; at < bytes.length; at += 4) for (let i = 3; i >= 0; i--) out += hex(bytes[at + i], 2);
  return out;
}

const anyFor = (family: number): Ip => '0'.repeat(family === Af.INET6 ? 32 : 8);

/** `address:port address:port state` of a socket or closed connection. */
function ends(family: number, entry: Omit<ClosedConnection, 'untilNs'>): string {
  const remote = entry.remote || anyFor(family);
  const local = `${words(family, entry.local)}:${hex(entry.port, 4)}`;
  return `${local} ${words(family, remote)}:${hex(entry.remotePort, 4)} ${hex(entry.state, 2)}`;
}

/** Sockets of one IP protocol and family, in order of birth. */
const socketsOf = (k: Kernel, proto: string, family: number): Socket[] =>
  [...k.net.sockets.values()].filter((socket) => socket.proto === proto && socket.family === family);

const owner = (socket: Socket): string =>
  `${String(socket.uid).padStart(5)} ${'0'.padStart(8)} ${socket.file ? socket.inode.ino : 0}`;
const queues = (sent: number, received: number): string => `${hex(sent, 8)}:${hex(received, 8)}`;

function tcpLine(family: number, socket: Socket, index: number): string {
  const inet = socket.inet!;
  const listening = inet.state === Tcp.LISTEN;
  const waiting = listening ? inet.accepts.length : socket.receiveBytes;
  const tail = listening ? `1 ${POINTER} 100 0 0 10 0` : `1 ${POINTER} 20 4 30 10 -1`;
  return `${String(index).padStart(4)}: ${ends(family, inet)} ${queues(0, waiting)} 00:00000000 00000000 ${owner(socket)} ${tail}`;
}

function closedLine(k: Kernel, family: number, entry: ClosedConnection, index: number): string {
  const left = hex(Math.max(0, Math.ceil((entry.untilNs - k.time.nowNs) / 1e7)), 8);
  return `${String(index).padStart(4)}: ${ends(family, entry)} ${queues(0, 0)} 03:${left} 00000000 ${'0'.padStart(5)} ${'0'.padStart(8)} 0 3 ${POINTER}`;
}

const HEADING4 =
  'sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';
const HEADING6 =
  'sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';

function tcpTable(k: Kernel, family: number): string {
  const shown = socketsOf(k, 'tcp', family).filter((socket) => socket.inet?.state !== Tcp.CLOSE);
  // Listening sockets come first, as in Linux's iteration.
  shown.sort((a, b) => Number(b.inet?.state === Tcp.LISTEN) - Number(a.inet?.state === Tcp.LISTEN));
  const lines = shown.map((socket, i) => tcpLine(family, socket, i));
  for (const entry of closedConnections(k))
    if (isIpv4(entry.local) === (family === Af.INET)) lines.push(closedLine(k, family, entry, lines.length));
  if (family === Af.INET6) return [`  ${HEADING6}`, ...lines, ''].join('\n');
  return [`  ${HEADING4}`, ...lines].map((line) => `${line.padEnd(149)}\n`).join('');
}

function datagramTable(k: Kernel, protos: readonly string[], family: number): string {
  const lines: string[] = [];
  for (const proto of protos)
    for (const socket of socketsOf(k, proto, family)) {
      const inet = socket.inet!;
      if (inet.port === 0 && proto !== 'raw') continue;
      const entry = proto === 'raw' ? { ...inet, port: socket.protocol } : inet;
      const slot = String(entry.port & 0xfff).padStart(5);
      lines.push(
        `${slot}: ${ends(family, entry)} ${queues(0, socket.receiveBytes)} 00:00000000 00000000 ${owner(socket)} 2 ${POINTER} 0`,
      );
    }
  if (family === Af.INET6) return [`  ${HEADING6} ref pointer drops`, ...lines, ''].join('\n');
  return [`   ${HEADING4} ref pointer drops`, ...lines].map((line) => `${line.padEnd(127)}\n`).join('');
}

provideNetFile('tcp', (k) => tcpTable(k, Af.INET));
provideNetFile('tcp6', (k) => tcpTable(k, Af.INET6));
provideNetFile('udp', (k) => datagramTable(k, ['udp'], Af.INET));
provideNetFile('udp6', (k) => datagramTable(k, ['udp'], Af.INET6));
provideNetFile('icmp', (k) => datagramTable(k, ['ping'], Af.INET));
provideNetFile('icmp6', (k) => datagramTable(k, ['ping'], Af.INET6));
provideNetFile('raw', (k) => datagramTable(k, ['raw'], Af.INET));
provideNetFile('raw6', (k) => datagramTable(k, ['raw'], Af.INET6));
provideNetFile('udplite', (k) => datagramTable(k, [], Af.INET));
provideNetFile('udplite6', (k) => datagramTable(k, [], Af.INET6));

provideNetFile('unix', (k) => {
  let out = 'Num       RefCount Protocol Flags    Type St Inode Path\n';
  for (const socket of k.net.sockets.values()) {
    const { unix } = socket;
    if (!unix) continue;
    const state = !socket.file ? 2 : unix.peer ? 3 : 1;
    const flags = unix.listening ? 0x10000 : 0;
    const name = unix.name === null ? '' : ` ${unix.name.replaceAll('\0', '@')}`;
    const refs = 2 + (unix.peer && !unix.peer.released ? 1 : 0);
    const facts = `${hex(refs, 8)} 00000000 ${hex(flags, 8)} ${hex(socket.type, 4)} ${hex(state, 2)}`;
    out += `${POINTER}: ${facts} ${String(socket.file ? socket.inode.ino : 0).padStart(5)}${name}\n`;
  }
  return out;
});

provideNetFile('netlink', (k) => {
  let out = 'sk       Eth Pid    Groups   Rmem     Wmem     Dump     Locks     Drops     Inode\n';
  const field = (value: number | string): string => String(value).padEnd(8);
  for (const socket of k.net.sockets.values()) {
    if (!socket.netlink) continue;
    const { portId, groups } = socket.netlink;
    const who = `${String(socket.protocol).padEnd(3)} ${String(portId).padEnd(6)} ${groups.toString(16).padStart(8, '0')}`;
    const use = [socket.receiveBytes, 0].map(field).join(' ');
    out += `${POINTER} ${who} ${use} 0 ${field(2)} ${field(0)} ${field(socket.inode.ino)}\n`;
  }
  return out;
});

provideNetFile('packet', () => 'sk       RefCnt Type Proto  Iface R Rmem   User   Inode\n');

provideNetFile('dev', (k) => {
  let out =
    'Inter-|   Receive                                                |  Transmit\n' +
    ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n';
  for (const { name, bytes, packets } of k.net.interfaces) {
    const counts = (widths: readonly number[]): string =>
      [bytes, packets, 0, 0, 0, 0, 0, 0].map((value, i) => String(value).padStart(widths[i])).join(' ');
    out += `${name.padStart(6)}: ${counts([7, 7, 4, 4, 4, 5, 10, 9])} ${counts([8, 7, 4, 4, 4, 5, 7, 10])}\n`;
  }
  return out;
});

provideNetFile('route', (k) => {
  const heading = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT';
  const lines = kernelRoutes(k)
    .filter((route) => route.table === 254 && isIpv4(route.to))
    .map((route) => {
      const device = k.net.interfaces.find((d) => d.index === route.device)?.name ?? '*';
      const mask = hex(route.prefix === 0 ? 0 : 0xffffffff >>> (32 - route.prefix), 8);
      return `${device}\t${words(Af.INET, route.to)}\t00000000\t0001\t0\t0\t0\t${mask}\t0\t0\t0`;
    });
  return [heading, ...lines].map((line) => `${line.padEnd(127)}\n`).join('');
});

provideNetFile('if_inet6', (k) => {
  let out = '';
  for (const device of k.net.interfaces)
    for (const { ip, prefix } of device.addresses) {
      if (isIpv4(ip)) continue;
      const scope = ip === `${'0'.repeat(31)}1` ? 0x10 : 0;
      const numbers = [device.index, prefix, scope, 0x80]
        .map((n) => n.toString(16).padStart(2, '0'))
        .join(' ');
      out += `${ip} ${numbers} ${device.name.padStart(8)}\n`;
    }
  return out;
});

provideNetFile(
  'arp',
  () => 'IP address       HW type     Flags       HW address            Mask     Device\n',
);

const inUse = (k: Kernel, proto: string, family: number): number => socketsOf(k, proto, family).length;

provideNetFile('sockstat', (k) => {
  const tcp = socketsOf(k, 'tcp', Af.INET);
  const alive = tcp.filter((socket) => socket.inet?.state !== Tcp.CLOSE).length;
  return (
    `sockets: used ${k.net.sockets.size}\n` +
    `TCP: inuse ${alive} orphan 0 tw ${closedConnections(k).length} alloc ${tcp.length + inUse(k, 'tcp', Af.INET6)} mem 0\n` +
    `UDP: inuse ${inUse(k, 'udp', Af.INET)} mem 0\nUDPLITE: inuse 0\n` +
    `RAW: inuse ${inUse(k, 'raw', Af.INET)}\nFRAG: inuse 0 memory 0\n`
  );
});
provideNetFile(
  'sockstat6',
  (k) =>
    `TCP6: inuse ${inUse(k, 'tcp', Af.INET6)}\nUDP6: inuse ${inUse(k, 'udp', Af.INET6)}\nUDPLITE6: inuse 0\n` +
    `RAW6: inuse ${inUse(k, 'raw', Af.INET6)}\nFRAG6: inuse 0 memory 0\n`,
);

/** Connections that /proc/net/snmp calls established. */
const established = (k: Kernel): number =>
  [...k.net.sockets.values()].filter(
    (socket) => socket.inet?.state === Tcp.ESTABLISHED && socket.type === Sock.STREAM,
  ).length;

provideNetFile('snmp', (k) => {
  let out = '';
  for (const [group, names] of Object.entries(SNMP)) {
    const value = (name: string): number =>
      name === 'CurrEstab' ? established(k) : counter(k, `${group}.${name}`);
    out += `${group}: ${names.join(' ')}\n${group}: ${names.map(value).join(' ')}\n`;
  }
  return out;
});
