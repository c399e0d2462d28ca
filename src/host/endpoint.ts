/**
 * What a stream handle stands for on the host's side: a process, somebody at a terminal, a tree, a connection. Always true: a handle
 * is used once; when the machine or its worker is gone, its streams are destroyed and its promises rejected with the reason.
 */

import { GuestInput, GuestOutput, type SendToWorker } from './streams.ts';
import type { ProcessExit, ProcessHandle, TerminalAttachment, TerminalInfo, WindowSize } from './types.ts';
import { type FromWorker, hostError, STREAM_WINDOW, TERMINAL_WINDOW } from './wire.ts';

/** A promise with its ends, and no complaint when nobody waits for it. */
function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: Error) => void } {
  let resolve: (value: T) => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  promise.catch(() => {});
  return { promise, resolve, reject };
}

export class Endpoint {
  readonly handle: number;
  readonly outputs: readonly GuestOutput[];
  readonly input: GuestInput | null;
  readonly exit = deferred<ProcessExit>();
  viewers: ((viewers: TerminalInfo['viewers']) => void)[] = [];
  readonly #send: SendToWorker;
  readonly #forget: () => void;

  constructor(
    send: SendToWorker,
    handle: number,
    shape: { outputs: number; input: boolean; window: number },
    forget: () => void,
  ) {
    this.#send = send;
    this.#forget = forget;
    this.handle = handle;
    this.outputs = Array.from({ length: shape.outputs }, (_, index) => {
      const channel = index === 0 ? 0 : 1;
      return new GuestOutput(
        (bytes) => send(['credit', handle, channel, bytes]),
        () => send(['close', handle, channel]),
      );
    });
    this.input = shape.input
      ? new GuestInput(
          shape.window,
          (bytes) => send(['data', handle, bytes]),
          () => send(['end', handle]),
        )
      : null;
    // Errors reach who waits for the exit or reads; they must not end the process where nobody listens.
    for (const stream of [...this.outputs, this.input]) stream?.on('error', () => {});
  }

  accept(message: FromWorker): void {
    switch (message[0]) {
      case 'data':
        this.outputs[message[2]]?.accept(message[3]);
        break;
      case 'end':
        this.outputs[message[2]]?.accept('end');
        break;
      case 'taken':
        this.input?.taken(message[2]);
        break;
      case 'exit':
        this.exit.resolve(message[2]);
        break;
      case 'viewers':
        for (const listener of this.viewers) listener(message[2]);
        break;
      case 'screen':
        this.outputs[0]?.accept({ screen: message[3], offset: message[2] });
        break;
      case 'lost':
        this.lose(hostError(message[2]));
        break;
      case 'gone':
        this.#forget();
        break;
    }
  }

  lose(error: Error): void {
    this.#forget();
    this.exit.reject(error);
    for (const stream of [...this.outputs, this.input]) stream?.destroy(error);
  }

  /** Lets go of everything; the exit may still be told. */
  close(): void {
    this.#send(['close', this.handle, null]);
    for (const stream of [...this.outputs, this.input]) stream?.destroy();
  }

  /** What still comes for it is thrown away. */
  forget(): void {
    this.#forget();
  }

  resize(size: WindowSize): void {
    this.#send(['resize', this.handle, size]);
  }
}

export const processShape = { outputs: 2, input: true, window: STREAM_WINDOW };
export const duplexShape = { outputs: 1, input: true, window: STREAM_WINDOW };
export const readerShape = { outputs: 1, input: false, window: STREAM_WINDOW };
export const writerShape = { outputs: 0, input: true, window: STREAM_WINDOW };
export const viewerShape = (writer: boolean) => ({ outputs: 1, input: writer, window: TERMINAL_WINDOW });

export function processHandle(
  endpoint: Endpoint,
  pid: number,
  signal: (name: string) => Promise<void>,
): ProcessHandle {
  const [stdout, stderr] = endpoint.outputs;
  return {
    pid,
    stdin: endpoint.input as GuestInput,
    stdout,
    stderr,
    signal,
    exit: endpoint.exit.promise,
    close: () => endpoint.close(),
  };
}

export function attachmentOf(
  endpoint: Endpoint,
  begin: { terminal: TerminalInfo; screen: Uint8Array; offset: number },
  signal: (name: string) => Promise<void>,
): TerminalAttachment {
  const [output] = endpoint.outputs;
  return {
    ...begin,
    output,
    input: endpoint.input,
    resize: (size) => endpoint.resize(size),
    signal,
    exit: endpoint.exit.promise,
    onViewers: (listener) => void endpoint.viewers.push(listener),
    onScreen: (listener) => {
      output.onScreen = listener;
    },
    detach: () => {
      endpoint.close();
      endpoint.forget();
    },
  };
}
