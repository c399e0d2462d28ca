/**
 * The terminal over WebSocket (`/api/v1/vms/{id}/terminal`, `…/console`), declared once for server and clients. Always true: binary
 * frames are the terminal's bytes as they are, text frames are one JSON message each.
 *
 * - Opening: `?rows=&cols=` for a new session, `?terminal=ID` for one that is there, `&offset=N` to go on where one stopped. What
 *   cannot be opened is refused with a problem document before the upgrade.
 * - First comes `ready`. Its `screen` says how many of the binary bytes that follow draw the screen as it is; they do not count as
 *   output. All binary bytes after them are the output from position `offset` on. With `screen` 0 and the `offset` that one asked
 *   for, nothing was missed.
 * - `resync` (for who only watches and was too slow): what was shown is stale; `screen` and `offset` as in `ready`.
 * - A client that sends `ack` once is sent at most {@link UNACKED_BYTES} more than it has acknowledged from then on; for all
 *   others the connection's own flow control counts.
 * - `exit` is the last message before the server closes with 1000; the session is over. A close with 1001, 1012, 1013 or without
 *   a code is worth another try with `terminal` and `offset`.
 */
import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { oneOf, orNull, WindowSize } from './schema.ts';

/** Output that may be under way to a client that acknowledges. */
export const UNACKED_BYTES = 256 * 1024;

export const SIGNALS = [
  ...(['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGKILL', 'SIGUSR1', 'SIGUSR2', 'SIGTERM', 'SIGCONT'] as const),
  ...(['SIGSTOP', 'SIGTSTP', 'SIGWINCH', 'SIGABRT', 'SIGALRM'] as const),
] as const;

const Viewers = Type.Array(Type.Object({ label: Type.String(), writer: Type.Boolean() }));

/** What the server says. */
export const ServerMessage = Type.Union([
  Type.Object({
    type: Type.Literal('ready'),
    terminal: Type.Object({ id: Type.String(), user: Type.String(), pid: Type.Integer() }),
    offset: Type.Integer({ description: 'position in the output after the screen' }),
    screen: Type.Integer({ description: 'bytes that draw the screen, first of all' }),
    size: WindowSize,
    viewers: Viewers,
    writer: Type.Boolean({ description: 'whether what one types is taken' }),
  }),
  Type.Object({ type: Type.Literal('resync'), offset: Type.Integer(), screen: Type.Integer() }),
  Type.Object({ type: Type.Literal('viewers'), viewers: Viewers }),
  Type.Object({
    type: Type.Literal('exit'),
    exitCode: orNull(Type.Integer()),
    signal: orNull(Type.String()),
  }),
  Type.Object({ type: Type.Literal('notice'), detail: Type.String() }),
  Type.Object({
    type: Type.Literal('error'),
    problem: Type.String({ description: 'type of the problem: /problems/…' }),
    title: Type.String(),
    detail: Type.Optional(Type.String()),
  }),
]);
export type ServerMessage = Static<typeof ServerMessage>;

/** What a client says. */
export const ClientMessage = Type.Union([
  Type.Object({ type: Type.Literal('resize'), ...WindowSize.properties }, { additionalProperties: false }),
  Type.Object(
    { type: Type.Literal('ack'), offset: Type.Integer({ description: 'output drawn up to here' }) },
    { additionalProperties: false },
  ),
  Type.Object({ type: Type.Literal('signal'), name: oneOf(SIGNALS) }, { additionalProperties: false }),
]);
export type ClientMessage = Static<typeof ClientMessage>;

const check = Compile(ClientMessage);

/** A client's text frame, checked; null when it is none of the messages. */
export function readClientMessage(text: string): ClientMessage | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  return check.Check(value) ? value : null;
}
