/**
 * One WebSocket that shows one terminal. Always true: what is under way to a slow client is bounded (the host's stream waits), what
 * a client types too fast waits in its connection, and when the socket ends, for whatever reason, the viewer is gone.
 */
import type { FastifyBaseLogger } from 'fastify';
import type { RawData, WebSocket } from 'ws';
import { HostError, type TerminalAttachment } from '../host/types.ts';
import { PROBLEMS, type ProblemKind } from './problem.ts';
import { CLOSE, closeReason } from './sockets.ts';
import { readClientMessage, type ServerMessage, UNACKED_BYTES } from './terminal-protocol.ts';

/** Bytes waiting in a socket beyond which the terminal is not read, and below which it is again. */
const HIGH_BYTES = 256 * 1024;
const LOW_BYTES = 64 * 1024;
/** Output that follows on other output is gathered this long, or up to so many bytes: a system call a frame is what a flood costs most. */
const GATHER_MS = 10;
const GATHER_BYTES = 64 * 1024;
/** A window that is dragged changes its size many times: it is passed on this often. */
const RESIZE_MS = 20;

/** Runs a terminal over a socket until either ends. */
export function serveTerminal(
  socket: WebSocket,
  attachment: TerminalAttachment,
  mayWrite: boolean,
  log: FastifyBaseLogger,
): void {
  const { output, input } = attachment;
  let over = false;
  let sent = attachment.offset;
  let acked: number | null = null;
  let resizeTo: { rows: number; cols: number } | null = null;
  let told = false;

  let gathered: Uint8Array[] = [];
  let gatheredBytes = 0;
  let flushedMs = 0;
  let flushTimer: NodeJS.Timeout | null = null;
  const flush = (): void => {
    if (flushTimer) clearTimeout(flushTimer);
    flushTimer = null;
    if (gatheredBytes === 0) return;
    const bytes = gathered.length === 1 ? gathered[0] : Buffer.concat(gathered, gatheredBytes);
    gathered = [];
    gatheredBytes = 0;
    flushedMs = performance.now();
    if (socket.readyState === socket.OPEN) socket.send(bytes, { binary: true }, readOn);
  };
  /** Sends at once what comes after a pause, as an echo does. */
  const draw = (bytes: Uint8Array): void => {
    gathered.push(bytes);
    gatheredBytes += bytes.length;
    if (gatheredBytes >= GATHER_BYTES || performance.now() - flushedMs >= GATHER_MS) flush();
    else flushTimer ??= setTimeout(flush, GATHER_MS);
  };
  const say = (message: ServerMessage): void => {
    flush();
    if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(message));
  };
  const finish = (code: number, reason: string): void => {
    if (over) return;
    flush();
    over = true;
    attachment.detach();
    socket.close(code, closeReason(reason));
  };
  const fail = (kind: ProblemKind, detail: string, code: number): void => {
    if (over) return;
    say({ type: 'error', problem: `/problems/${kind}`, title: PROBLEMS[kind][1], detail });
    finish(code, detail);
  };

  const mayRead = (): boolean =>
    socket.bufferedAmount + gatheredBytes < HIGH_BYTES && (acked === null || sent - acked < UNACKED_BYTES);
  const readOn = (): void => {
    if (!over && output.isPaused() && socket.bufferedAmount < LOW_BYTES && mayRead()) output.resume();
  };

  say({
    type: 'ready',
    terminal: { id: attachment.terminal.id, user: attachment.terminal.user, pid: attachment.terminal.pid },
    offset: attachment.offset,
    screen: attachment.screen.length,
    size: attachment.terminal.size,
    viewers: attachment.terminal.viewers,
    writer: mayWrite,
  });
  if (attachment.screen.length > 0) draw(attachment.screen);
  attachment.onViewers((viewers) => say({ type: 'viewers', viewers }));

  output.on('data', (bytes: Uint8Array) => {
    sent += bytes.length;
    draw(bytes);
    if (!mayRead()) output.pause();
  });
  attachment.onScreen((screen, offset) => {
    sent = offset;
    if (acked !== null) acked = offset;
    say({ type: 'resync', offset, screen: screen.length });
    draw(screen);
    if (!mayRead()) output.pause();
  });
  output.on('error', () => {});
  const drained = new Promise<void>((resolve) => {
    output.once('end', resolve);
    output.once('close', resolve);
  });
  attachment.exit.then(
    async ({ exitCode, signal }) => {
      await drained;
      if (over) return;
      say({ type: 'exit', exitCode, signal });
      finish(CLOSE.normal, 'the session is over');
    },
    (error: unknown) => {
      const code = error instanceof HostError ? error.code : null;
      if (code === 'worker-lost' || code === 'closed') finish(CLOSE.again, (error as Error).message);
      else if (code === null) {
        log.error({ err: error }, 'a terminal failed');
        fail('internal', 'The terminal failed.', CLOSE.internal);
      } else
        fail(
          code === 'no-such-vm' ? 'no-such-vm' : 'no-such-terminal',
          (error as Error).message,
          CLOSE.normal,
        );
    },
  );

  const type = (bytes: Buffer): void => {
    if (input === null || !mayWrite) {
      if (!told) say({ type: 'notice', detail: 'You are watching: what you type is not taken.' });
      told = true;
      return;
    }
    if (!input.writable || input.write(bytes) || socket.isPaused) return;
    socket.pause();
    input.once('drain', () => socket.resume());
  };
  input?.on('error', () => {});
  const resize = (rows: number, cols: number): void => {
    if (!mayWrite) return;
    if (resizeTo === null)
      setTimeout(() => {
        if (resizeTo !== null && !over) attachment.resize(resizeTo);
        resizeTo = null;
      }, RESIZE_MS);
    resizeTo = { rows, cols };
  };
  const control = (text: string): void => {
    const message = readClientMessage(text);
    if (message === null) {
      fail(
        'invalid-request',
        'A text frame must be one of the messages of the terminal protocol.',
        CLOSE.policy,
      );
      return;
    }
    switch (message.type) {
      case 'resize':
        resize(message.rows, message.cols);
        break;
      case 'ack':
        acked = Math.max(acked ?? 0, Math.min(message.offset, sent));
        readOn();
        break;
      case 'signal':
        if (mayWrite) attachment.signal(message.name).catch(() => {});
        break;
    }
  };
  socket.on('message', (data: RawData, binary: boolean) => {
    if (over) return;
    const bytes = data as Buffer;
    if (binary) type(bytes);
    else control(bytes.toString('utf8'));
  });
  socket.on('close', () => {
    if (flushTimer) clearTimeout(flushTimer);
    over = true;
    attachment.detach();
  });
}
