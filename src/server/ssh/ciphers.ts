/**
 * Which ciphers a client is offered. Always true: every cipher offered is sound; the choice is the client's, and OpenSSH would choose
 * AES-CTR with a MAC of its own before AES-GCM, which costs twice the time here, so OpenSSH is offered GCM alone.
 */
import type { CipherAlgorithm, Connection as Client, MacAlgorithm } from 'ssh2';

const GCM: CipherAlgorithm[] = ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com'];
/** Not chacha20-poly1305, which node has no fast form of. */
export const CIPHERS: CipherAlgorithm[] = [...GCM, 'aes128-ctr', 'aes192-ctr', 'aes256-ctr'];
export const MACS = [
  ...['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com'],
  ...['hmac-sha2-256', 'hmac-sha2-512'],
] as MacAlgorithm[];

/** The offer of the library (its `KexInit`), as far as it is touched here. */
interface Offer {
  lists: {
    kex: List;
    serverHostKey: List;
    cs: Direction;
    sc: Direction;
  };
}
interface List {
  array: string[];
}
interface Direction {
  cipher: List;
  mac: List;
  compress: List;
  lang: List;
}

/** OpenSSH has AES-GCM since 6.2; what it names itself is the second word of its greeting. */
function hasGcm(software: string): boolean {
  const [, major, minor] = /^OpenSSH_(\d+)\.(\d+)/.exec(software) ?? [];
  return Number(major) * 100 + Number(minor) >= 602;
}

/** Called when the client has named itself, before algorithms are offered; a library that has changed inside is left alone. */
export function offerCiphers(client: Client, software: string): void {
  const protocol = (client as unknown as { _protocol?: { _offer?: Offer } })._protocol;
  const lists = protocol?._offer?.lists;
  if (!protocol?._offer || !lists?.cs?.cipher || !hasGcm(software)) return;
  const plain = ({ cipher: _, mac, compress, lang }: Direction) => ({
    cipher: GCM,
    mac: mac.array,
    compress: compress.array,
    lang: lang.array,
  });
  const KexInit = protocol._offer.constructor as new (algorithms: object) => Offer;
  protocol._offer = new KexInit({
    kex: lists.kex.array,
    serverHostKey: lists.serverHostKey.array,
    cs: plain(lists.cs),
    sc: plain(lists.sc),
  });
}
