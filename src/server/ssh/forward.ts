/**
 * Forwarded ports (ssh -L, -D): from the client to a service on the machine's own loopback. Always true: the connection is made inside
 * the machine; nothing outside it can be reached through the front door.
 */
import type { ServerChannel, TcpipRequestInfo } from 'ssh2';
import { mayOpen } from './authorized-keys.ts';
import type { Connection } from './connection.ts';

/** Names of the machine itself, as a client may write them. */
function isOwnLoopback(name: string, vm: { name: string; address: string }): boolean {
  const host = name.toLowerCase().replace(/^\[(.*)\]$/, '$1');
  if (/^127\.\d+\.\d+\.\d+$/.test(host) || host === '::1' || host === '0.0.0.0' || host === '::') return true;
  return ['localhost', 'ip6-localhost', vm.name.toLowerCase(), vm.address].includes(host);
}

/** Serves one `direct-tcpip` channel. */
export async function forward(
  connection: Connection,
  info: TcpipRequestInfo,
  accept: () => ServerChannel,
  reject: () => void,
): Promise<void> {
  const { vm, host, login } = connection;
  const { options, config } = login;
  const { destIP, destPort, srcIP, srcPort } = info;
  const allowed = options.portForwarding && config.allowTcpForwarding;
  if (!allowed || !isOwnLoopback(destIP, vm) || !mayOpen(options.permitOpen, destIP, destPort)) {
    connection.tell(
      `Received request from ${connection.remote.address} port ${connection.remote.port} to connect to host ${destIP} port ${destPort}, but the request was denied.`,
    );
    return reject();
  }
  try {
    const inside = await host.connect(vm.id, destPort);
    const channel = accept();
    const close = (): void => {
      inside.input.destroy();
      inside.output.destroy();
    };
    channel.once('close', close);
    inside.input.on('error', () => channel.resume());
    inside.output.on('error', () => channel.end());
    channel.pipe(inside.input);
    inside.output.pipe(channel);
  } catch {
    connection.tell(
      `error: connect_to ${destIP} port ${destPort}: failed. (originator ${srcIP} port ${srcPort})`,
    );
    reject();
  }
}
