/** A machine's terminals and its console over WebSocket, the console's log as text, and what happens in the machine as events. */
import type { FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import type { TerminalAttachment, TerminalInfo, VmEvent } from '../../host/types.ts';
import { hangUpAbandoned } from '../abandoned.ts';
import { followConsole, lastLines } from '../console-stream.ts';
import type { App } from '../context.ts';
import { Problem } from '../problem.ts';
import {
  answers,
  IdParams,
  NOTHING,
  oneOf,
  orNull,
  PageQuery,
  pageOf,
  toPage,
  WindowSize,
} from '../schema.ts';
import { CLOSE } from '../sockets.ts';
import { serveTerminal } from '../terminal-socket.ts';
import { LOGIN_USER, UserName } from './exec.ts';

const tags = ['terminals'];
const CONSOLE = 'console';
/** Bytes waiting in an event socket beyond which events are dropped, and counted. */
const EVENT_BACKLOG = 256 * 1024;

const Terminal = Type.Object({
  id: Type.String(),
  pid: Type.Integer(),
  user: Type.String(),
  size: WindowSize,
  createdAt: Type.String(),
  viewers: Type.Array(Type.Object({ label: Type.String(), writer: Type.Boolean() })),
  exit: orNull(Type.Object({ exitCode: orNull(Type.Integer()), signal: orNull(Type.String()) })),
});
const showTerminal = ({ createdSec, ...terminal }: TerminalInfo): Static<typeof Terminal> => ({
  ...terminal,
  createdAt: new Date(createdSec * 1000).toISOString(),
});
const Session = Type.Object({
  id: Type.String(),
  terminal: Type.String(),
  personId: orNull(Type.String()),
  user: Type.String(),
  via: oneOf(['websocket', 'ssh']),
  remoteAddress: orNull(Type.String()),
  openedAt: Type.String(),
  closedAt: orNull(Type.String()),
});

const ticket = Type.Optional(
  Type.String({ maxLength: 512, description: 'one-use ticket, for browsers: POST /auth/ticket' }),
);
const TerminalQuery = Type.Object({
  terminal: Type.Optional(
    Type.String({ maxLength: 64, description: 'a session that is there; default: a new one' }),
  ),
  offset: Type.Optional(Type.Integer({ minimum: 0, description: 'go on from this position of its output' })),
  user: Type.Optional(UserName),
  rows: Type.Integer({ minimum: 1, maximum: 500, default: 24 }),
  cols: Type.Integer({ minimum: 1, maximum: 1000, default: 80 }),
  ticket,
});

type Attached = { attachment: TerminalAttachment; writer: boolean };

export async function terminalRoutes(app: App): Promise<void> {
  const { host, lab } = app;
  const abandoned = hangUpAbandoned(app);
  /** What was attached before the upgrade; whoever leaves before it is detached by the socket's end. */
  const attached = new WeakMap<FastifyRequest['raw'], Attached>();

  const attach = async (request: FastifyRequest, terminal: string, offset?: number): Promise<void> => {
    const vm = request.vm!;
    const writer = await lab.may(request.principal!, 'vm.use', vm);
    const attachment = await host.attach(vm.id, terminal, {
      label: request.principal!.login,
      writer,
      fromOffset: offset,
    });
    attachment.exit.catch(() => {});
    attached.set(request.raw, { attachment, writer });
    const session = await lab.terminalSessions
      .opened({
        terminal,
        vmId: vm.id,
        personId: request.principal!.personId,
        user: attachment.terminal.user,
        via: 'websocket',
        remoteAddress: request.ip,
      })
      .catch((error: unknown) => {
        attachment.detach();
        throw error;
      });
    const left = abandoned.sits(vm.id, terminal);
    const leave = (): void => {
      attachment.detach();
      left();
      lab.terminalSessions
        .closed(session)
        .catch((error) => request.log.warn({ err: error }, 'the end of a session was not recorded'));
    };
    if (request.raw.socket.destroyed) leave();
    else request.raw.socket.once('close', leave);
  };
  const upgradeOnly = async (): Promise<never> => {
    throw new Problem('upgrade-required', undefined, {}, { upgrade: 'websocket' });
  };

  /** A new login session of the caller's. */
  const openSession = async (
    request: FastifyRequest,
    query: Static<typeof TerminalQuery>,
  ): Promise<string> => {
    const vm = request.vm!;
    if (!(await lab.may(request.principal!, 'vm.use', vm)))
      throw new Problem(
        'forbidden',
        'You may watch the sessions that are there (`terminal=ID`), not open one.',
      );
    const { rows, cols, user = LOGIN_USER } = query;
    const opened = await host.openTerminal(vm.id, {
      user,
      size: { rows, cols },
      env: { TERM: 'xterm-256color' },
      remoteHost: request.ip,
    });
    return opened.id;
  };

  app.route({
    method: 'GET',
    url: '/vms/:id/terminal',
    config: { access: 'vm.read', ticket: true },
    schema: {
      tags,
      summary: 'WebSocket: a terminal, new or joined; see src/server/terminal-protocol.ts',
      params: IdParams,
      querystring: TerminalQuery,
      response: answers(101, Type.Null()),
    },
    preHandler: async (request) => {
      if (!request.ws) return;
      const query = request.query;
      await attach(request, query.terminal ?? (await openSession(request, query)), query.offset);
    },
    handler: upgradeOnly,
    wsHandler: (socket, request) => {
      const { attachment, writer } = attached.get(request.raw)!;
      serveTerminal(socket, attachment, writer, request.log);
    },
  });

  app.get(
    '/vms/:id/terminals',
    {
      config: { access: 'vm.read' },
      schema: {
        tags,
        summary: 'Terminal sessions that are open now, and who looks at them',
        params: IdParams,
        response: answers(200, Type.Object({ items: Type.Array(Terminal) })),
      },
    },
    async ({ vm }) => ({ items: (await host.terminals(vm!.id)).map(showTerminal) }),
  );

  app.delete(
    '/vms/:id/terminals/:terminal',
    {
      config: { access: 'vm.use' },
      schema: {
        tags,
        summary: 'Hang up: SIGHUP to the session',
        params: Type.Object({ ...IdParams.properties, terminal: Type.String({ maxLength: 64 }) }),
        response: NOTHING,
      },
    },
    async ({ vm, params }, reply) => {
      await host.hangup(vm!.id, params.terminal);
      return reply.code(204).send(null);
    },
  );

  app.get(
    '/vms/:id/sessions',
    {
      config: { access: 'vm.read' },
      schema: {
        tags,
        summary: 'Who logged in, when and from where',
        params: IdParams,
        querystring: PageQuery,
        response: answers(200, pageOf(Session)),
      },
    },
    async ({ vm, query }) =>
      toPage(await lab.terminalSessions.list(vm!.id, query), ({ vmId: _, ...session }) => session),
  );

  app.route({
    method: 'GET',
    url: '/vms/:id/console',
    config: { access: 'vm.read', ticket: true },
    schema: {
      tags,
      summary:
        "The console's text since boot; ?follow=true as server-sent events; or a WebSocket on the console itself",
      params: IdParams,
      querystring: Type.Object({
        tail: Type.Optional(
          Type.Integer({ minimum: 0, maximum: 100_000, description: 'only the last lines' }),
        ),
        follow: Type.Optional(Type.Boolean()),
        offset: TerminalQuery.properties.offset,
        rows: Type.Optional(Type.Integer()),
        cols: Type.Optional(Type.Integer()),
        terminal: Type.Optional(Type.String()),
        ticket,
      }),
      produces: ['text/plain', 'text/event-stream'],
      response: answers(200, Type.String()),
    },
    preHandler: async (request) => {
      if (request.ws) await attach(request, CONSOLE, request.query.offset);
    },
    handler: async (request, reply) => {
      const { tail, follow } = request.query;
      if (follow) return followConsole(app, request, reply, tail);
      const text = Buffer.from(await host.consoleLog(request.vm!.id)).toString('utf8');
      return reply
        .type('text/plain; charset=utf-8')
        .serializer((body: unknown) => body as string)
        .send(lastLines(text, tail));
    },
    wsHandler: (socket, request) => {
      const { attachment, writer } = attached.get(request.raw)!;
      serveTerminal(socket, attachment, writer, request.log);
    },
  });

  app.route({
    method: 'GET',
    url: '/vms/:id/events',
    config: { access: 'vm.read', ticket: true },
    schema: {
      tags,
      summary: 'WebSocket: what happens in the VM, one JSON object a message: time, kind, detail',
      params: IdParams,
      querystring: Type.Object({ ticket }),
      response: answers(101, Type.Null()),
    },
    handler: upgradeOnly,
    wsHandler: (socket, request) => {
      let dropped = 0;
      const stop = host.onEvent((event) => {
        if (event.vmId !== request.vm!.id) return;
        if (socket.bufferedAmount > EVENT_BACKLOG) {
          dropped++;
          return;
        }
        if (dropped > 0) socket.send(JSON.stringify({ kind: 'dropped', count: dropped }));
        dropped = 0;
        socket.send(JSON.stringify(showEvent(event)));
      });
      const forget = lab.vms.onChange(({ kind, vm: { id } }) => {
        if (kind === 'removed' && id === request.vm!.id) socket.close(CLOSE.normal, 'the VM was deleted');
      });
      socket.on('close', () => {
        stop();
        forget();
      });
      socket.on('message', () => socket.close(CLOSE.policy, 'nothing is expected from you'));
    },
  });
}

const showEvent = ({ timeMs, kind, detail }: VmEvent) => ({
  time: new Date(timeMs).toISOString(),
  kind,
  detail,
});
