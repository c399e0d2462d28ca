/**
 * What crosses the port between the host and a worker. Always true: calls and their answers are plain data; a stream sends no more
 * than the other side has granted (its window), so neither side ever holds more than a window of it.
 */
import { HostError, type ProcessExit, type TerminalInfo, type WindowSize } from './types.ts';

/** Bytes of a process's stream that may be under way. */
export const STREAM_WINDOW = 256 * 1024;
/** Bytes of a terminal that may be under way to one viewer, and of typed input. */
export const TERMINAL_WINDOW = 64 * 1024;
/** Pieces in which input is sent. */
export const PIECE_BYTES = 64 * 1024;

/** Standard output (and a terminal's or connection's bytes), standard error. */
export type Channel = 0 | 1;

/** Stream messages to a worker. `handle` is a number that the host has chosen for a process, viewer or connection. */
export type ToWorker =
  | ['data', handle: number, bytes: Uint8Array]
  | ['end', handle: number]
  | ['credit', handle: number, channel: Channel, bytes: number]
  /** Lets go of one stream, or (null) of all. */
  | ['close', handle: number, channel: Channel | null]
  | ['resize', handle: number, size: WindowSize];

/** Stream messages from a worker. */
export type FromWorker =
  | ['data', handle: number, channel: Channel, bytes: Uint8Array]
  | ['end', handle: number, channel: Channel]
  /** So much input was taken. */
  | ['taken', handle: number, bytes: number]
  | ['exit', handle: number, exit: ProcessExit]
  | ['viewers', handle: number, viewers: TerminalInfo['viewers']]
  /** A viewer that lagged: the screen as it is, in place of what it missed. */
  | ['screen', handle: number, offset: number, bytes: Uint8Array]
  | ['lost', handle: number, error: PlainError]
  /** Nothing more will come. */
  | ['gone', handle: number];

/** An error as plain data: a structured clone keeps neither class nor fields. */
export interface PlainError {
  code: HostError['code'] | null;
  message: string;
  errno?: string;
}

/** What a call answers. */
export type Answer<T> = { ok: T } | { error: PlainError };

export function plainError(error: unknown): PlainError {
  if (error instanceof HostError) return { code: error.code, message: error.message, errno: error.errno };
  return { code: null, message: (error as Error)?.stack ?? String(error) };
}

export const hostError = ({ code, message, errno }: PlainError): Error =>
  code ? new HostError(code, message, errno) : new Error(message);

/** Bytes in a buffer of their own: a structured clone copies the whole buffer behind a view. */
export const ownBytes = (bytes: Uint8Array): Uint8Array =>
  bytes.byteLength === bytes.buffer.byteLength && Object.getPrototypeOf(bytes) === Uint8Array.prototype
    ? bytes
    : new Uint8Array(bytes);
