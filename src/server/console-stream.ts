/**
 * The console as server-sent events (HTML standard, section 9.2). Always true: each event's `data` is a JSON string of text and its id the position
 * after it, so that a browser's own `Last-Event-ID` goes on where it stopped; a slow reader makes the console's stream wait.
 */
import { StringDecoder } from 'node:string_decoder';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { App } from './context.ts';

const CONSOLE = 'console';
const HEARTBEAT_MS = 15_000;

/** The last lines of a text; all of it without a count. */
export function lastLines(text: string, count: number | undefined): string {
  if (count === undefined) return text;
  const lines = text.split('\n');
  const whole = lines.at(-1) === '' ? lines.length - 1 : lines.length;
  return lines.slice(Math.max(0, whole - count)).join('\n');
}

/** Answers with the log, or its tail, and then what is printed. */
export async function followConsole(
  app: App,
  request: FastifyRequest,
  reply: FastifyReply,
  tail: number | undefined,
): Promise<FastifyReply> {
  const id = request.vm!.id;
  const last = Number(request.headers['last-event-id'] ?? Number.NaN);
  const resume = Number.isSafeInteger(last) && last >= 0 ? last : undefined;
  const attachment = await app.host.attach(id, CONSOLE, {
    label: request.principal!.login,
    writer: false,
    fromOffset: resume,
  });
  attachment.exit.catch(() => {});
  let { offset } = attachment;
  const early: Uint8Array[] = [];
  const keep = (bytes: Uint8Array): void => void early.push(bytes);
  attachment.output.on('data', keep);
  const resumed = attachment.offset === resume && attachment.screen.length === 0;
  let log = '';
  if (!resumed) {
    // What comes before the log's answer is in the log.
    const text = await app.host.consoleLog(id).catch((error: unknown) => {
      attachment.detach();
      throw error;
    });
    log = Buffer.from(text).toString('utf8');
    for (const bytes of early.splice(0)) offset += bytes.length;
  }
  attachment.output.off('data', keep);
  const decoder = new StringDecoder('utf8');
  const { raw } = reply;
  reply.hijack();
  raw.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
    'x-request-id': request.id,
  });
  const event = (text: string): boolean =>
    text === '' || raw.write(`id: ${offset}\nevent: text\ndata: ${JSON.stringify(text)}\n\n`);
  const heartbeat = setInterval(() => raw.write(': here\n\n'), HEARTBEAT_MS);
  const stop = (): void => {
    clearInterval(heartbeat);
    forget();
    attachment.detach();
    raw.end();
  };
  const forget = app.whileOpen(stop);
  raw.on('close', stop);
  const show = (bytes: Uint8Array): void => {
    offset += bytes.length;
    if (event(decoder.write(Buffer.from(bytes)))) return;
    attachment.output.pause();
    raw.once('drain', () => attachment.output.resume());
  };
  event(lastLines(log, tail));
  for (const bytes of early) show(bytes);
  attachment.output.on('data', show);
  attachment.output.resume();
  attachment.output.on('end', stop);
  attachment.output.on('error', stop);
  if (raw.destroyed) stop();
  return reply;
}
