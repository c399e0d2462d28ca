/**
 * What routes and plugins of the server share: the services it stands on, and what a request knows once its hooks have run.
 * Always true: a handler runs only after access was decided, so `request.vm` is there for every route whose access is an action
 * on a machine, `request.course` for every one whose access is an action on a course.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import type { Host } from '../host/types.ts';
import type { CourseAction, LabAction, VmAction } from '../lab/access.ts';
import type { CourseRecord, Lab, Principal, VmRecord } from '../lab/types.ts';

/**
 * Who may call a route. An action on a machine is asked of the machine `:id`, one on a course of the course `:id`, or with
 * `{ action, of: 'body' }` of the course that the body names.
 */
export type RouteAccess =
  | 'public'
  | VmAction
  | CourseAction
  | LabAction
  | { action: CourseAction; of: 'body' };

/** How many calls one caller has. `signIn` counts by address, the others by person, or by address where nobody is known. */
export interface Limits {
  requestsPerMinute: number;
  signInsPerMinute: number;
  /** Calls that make machines, snapshots and the like. */
  createsPerMinute: number;
  socketsPerPerson: number;
  sockets: number;
  /** TCP connections of the HTTP server. */
  connections: number;
  /** Largest JSON body. */
  bodyBytes: number;
  /** Largest file by PUT. */
  fileBytes: number;
  /** Largest tree by tar. */
  treeBytes: number;
  /** Largest WebSocket message. */
  frameBytes: number;
  /** A WebSocket whose other end has not answered a ping for this long is cut. */
  socketTimeoutMs: number;
  /** How often it is asked anew whether who holds a WebSocket still may. */
  recheckMs: number;
  /** A session that nobody has looked at for this long is hung up, like a line that was cut. */
  abandonedMs: number;
  /** For all headers of a request, and for all of it with its body. */
  headersTimeoutMs: number;
  requestTimeoutMs: number;
}

export const DEFAULT_LIMITS: Limits = {
  requestsPerMinute: 6000,
  signInsPerMinute: 120,
  createsPerMinute: 600,
  socketsPerPerson: 600,
  sockets: 5000,
  connections: 8000,
  bodyBytes: 1 << 20,
  fileBytes: 64 << 20,
  treeBytes: 512 << 20,
  frameBytes: 64 << 10,
  socketTimeoutMs: 45_000,
  recheckMs: 30_000,
  abandonedMs: 3_600_000,
  headersTimeoutMs: 15_000,
  requestTimeoutMs: 300_000,
};

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Required of every route of the API. */
    access?: RouteAccess;
    /** Which limit counts it; default `requests`. */
    limit?: 'requests' | 'signIn' | 'creates' | 'none';
    /** An Idempotency-Key is honoured. */
    idempotent?: boolean;
    /** `?ticket=` is taken in place of Authorization, for browsers' WebSockets and event streams. */
    ticket?: boolean;
  }
  interface FastifyInstance {
    lab: Lab;
    host: Host;
    limits: Limits;
    /** Every route, as it was declared; for the test that asks each of them who may call it. */
    declaredRoutes: RouteOptions[];
    /** Registers what ends a stream when the server closes; answers what forgets it. */
    whileOpen(end: () => void): () => void;
  }
  interface FastifyRequest {
    /** Who asks; null only on public routes. */
    principal: Principal | null;
    vm: VmRecord | null;
    course: CourseRecord | null;
  }
}

/** The server as routes see it: schemas give the types of body, query and parameters. */
export type App = FastifyInstance<
  Server,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;
