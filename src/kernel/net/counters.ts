/** Counters of the IP stack (RFC 1213, /proc/net/snmp). Always true: a counter that was never counted reads 0. */
import type { Kernel } from '../kernel.ts';

/** The fields of /proc/net/snmp, in its order; those set by nothing here stay at their first value. */
export const SNMP = {
  Ip: [
    'Forwarding',
    'DefaultTTL',
    'InReceives',
    'InHdrErrors',
    'InAddrErrors',
    'ForwDatagrams',
    'InUnknownProtos',
    'InDiscards',
    'InDelivers',
    'OutRequests',
    'OutDiscards',
    'OutNoRoutes',
    'ReasmTimeout',
    'ReasmReqds',
    'ReasmOKs',
    'ReasmFails',
    'FragOKs',
    'FragFails',
    'FragCreates',
  ],
  Icmp: [
    'InMsgs',
    'InErrors',
    'InCsumErrors',
    'InDestUnreachs',
    'InTimeExcds',
    'InParmProbs',
    'InSrcQuenchs',
    'InRedirects',
    'InEchos',
    'InEchoReps',
    'InTimestamps',
    'InTimestampReps',
    'InAddrMasks',
    'InAddrMaskReps',
    'OutMsgs',
    'OutErrors',
    'OutDestUnreachs',
    'OutTimeExcds',
    'OutParmProbs',
    'OutSrcQuenchs',
    'OutRedirects',
    'OutEchos',
    'OutEchoReps',
    'OutTimestamps',
    'OutTimestampReps',
    'OutAddrMasks',
    'OutAddrMaskReps',
  ],
  Tcp: [
    'RtoAlgorithm',
    'RtoMin',
    'RtoMax',
    'MaxConn',
    'ActiveOpens',
    'PassiveOpens',
    'AttemptFails',
    'EstabResets',
    'CurrEstab',
    'InSegs',
    'OutSegs',
    'RetransSegs',
    'InErrs',
    'OutRsts',
    'InCsumErrors',
  ],
  Udp: [
    'InDatagrams',
    'NoPorts',
    'InErrors',
    'OutDatagrams',
    'RcvbufErrors',
    'SndbufErrors',
    'InCsumErrors',
    'IgnoredMulti',
  ],
} as const;

/** Values that are no counts: not forwarding, TTL 64, the retransmission algorithm of Van Jacobson and its bounds. */
const FIXED: Record<string, number> = {
  'Ip.Forwarding': 2,
  'Ip.DefaultTTL': 64,
  'Tcp.RtoAlgorithm': 1,
  'Tcp.RtoMin': 200,
  'Tcp.RtoMax': 120000,
  'Tcp.MaxConn': -1,
};

/** Counts one more of `name`, such as `Tcp.ActiveOpens`. */
export function count(k: Kernel, name: string): void {
  k.net.counters[name] = (k.net.counters[name] ?? 0) + 1;
}

export const counter = (k: Kernel, name: string): number => FIXED[name] ?? k.net.counters[name] ?? 0;

/** A packet from this machine to itself, counted on both sides. */
export function countPacket(k: Kernel, protocol: 'Tcp' | 'Udp' | 'Icmp'): void {
  count(k, 'Ip.OutRequests');
  count(k, 'Ip.InReceives');
  count(k, 'Ip.InDelivers');
  if (protocol === 'Tcp') {
    count(k, 'Tcp.OutSegs');
    count(k, 'Tcp.InSegs');
  } else if (protocol === 'Udp') count(k, 'Udp.OutDatagrams');
  else {
    count(k, 'Icmp.OutMsgs');
    count(k, 'Icmp.InMsgs');
  }
}
