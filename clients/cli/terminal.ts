/** `oopsbox ssh` and `oopsbox console`: this terminal becomes a machine's, over WebSocket, until its session ends. */
import { constants } from 'node:os';
import { WebSocket } from 'ws';
import { type Exit, type Socket, TerminalConnection } from '../shared/connection.ts';
import { type Remote, ServerError } from './remote.ts';

/** What leaves: Ctrl-]. */
const ESCAPE = 0x1d;
const HANDSHAKE_MS = 10_000;

/** Opens a socket; a refusal becomes a {@link ServerError} with the server's own words. */
function openSocket(remote: Remote, path: string, query: URLSearchParams): Promise<Socket> {
  return new Promise((resolve, reject) => {
    remote.token().then((token) => {
      const socket = new WebSocket(remote.socketUrl(path, query), {
        headers: { authorization: `Bearer ${token}` },
        handshakeTimeout: HANDSHAKE_MS,
      });
      socket.once('upgrade', () => resolve(socket as unknown as Socket));
      socket.once('unexpected-response', (_request, response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => {
          text += chunk;
        });
        response.on('end', () => {
          const problem = (() => {
            try {
              return JSON.parse(text) as { title?: string; detail?: string };
            } catch {
              return {};
            }
          })();
          reject(
            new ServerError(
              response.statusCode ?? 500,
              problem.detail ?? problem.title ?? `${remote.url} answered ${response.statusCode}`,
            ),
          );
        });
      });
      socket.once('error', reject);
    }, reject);
  });
}

/** Cuts what is typed at the escape character. */
function typed(bytes: Uint8Array): { bytes: Uint8Array; leave: boolean } {
  const at = bytes.indexOf(ESCAPE);
  return at < 0 ? { bytes, leave: false } : { bytes: bytes.subarray(0, at), leave: true };
}

/**
 * Attaches this terminal; answers the exit status for the shell: that of the session, 128 + n for a signal, 0 for leaving, 255 when
 * the server refuses.
 */
export function attachTerminal(remote: Remote, path: string, session: string | null): Promise<number> {
  const { stdin, stdout, stderr } = process;
  return new Promise((resolve) => {
    const leave = (status: number, text = ''): void => {
      if (stdin.isTTY) stdin.setRawMode(false);
      stdin.pause();
      stdout.off('resize', resized);
      if (text) stderr.write(`\r\n${text}\r\n`);
      resolve(status);
    };
    let lost = false;
    let unwritten = 0;
    let whenWritten: () => void = () => {};
    const connection = new TerminalConnection(
      (query) => openSocket(remote, path, query),
      {
        write: (bytes, done) => {
          unwritten++;
          stdout.write(bytes, () => {
            unwritten--;
            done();
            if (unwritten === 0) whenWritten();
          });
        },
        reset: () => stdout.write('\x1b[H\x1b[2J\x1b[3J'),
        size: () => ({ rows: stdout.rows || 24, cols: stdout.columns || 80 }),
        status: (status, detail) => {
          if (status === 'waiting' && !lost)
            stderr.write(
              `\r\n[connection lost${detail ? `: ${detail}` : ''}; trying again, Ctrl-] leaves]\r\n`,
            );
          if (status === 'connected' && lost) stderr.write('\r\n[connected again]\r\n');
          if (status !== 'connecting') lost = status === 'waiting';
        },
        ended: (end: Exit | { error: string }) => {
          const say = (): void => {
            if ('error' in end) leave(255, `oopsbox: ${end.error}`);
            else if (end.signal) leave(128 + (constants.signals[end.signal as NodeJS.Signals] ?? 0));
            else leave(end.exitCode ?? 0);
          };
          if (unwritten === 0) say();
          else whenWritten = say;
        },
      },
      session,
    );
    const resized = (): void => connection.resize({ rows: stdout.rows || 24, cols: stdout.columns || 80 });
    stdout.on('resize', resized);
    if (stdin.isTTY) stdin.setRawMode(true);
    stdin.on('data', (chunk: Uint8Array) => {
      const input = typed(chunk);
      if (input.bytes.length > 0) connection.type(input.bytes);
      if (!input.leave) return;
      connection.close();
      leave(0, '[left; the session goes on]');
    });
    stdin.on('end', () => connection.type('\x04'));
    void connection.connect();
  });
}
