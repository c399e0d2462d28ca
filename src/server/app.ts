/**
 * The HTTP server, put together: one plugin a concern, one plugin a resource. Always true: it owns neither the lab nor the host,
 * so closing it leaves both as they are; nothing here lives outside the instance.
 */
import { randomBytes } from 'node:crypto';
import fastifyStatic from '@fastify/static';
import websocket from '@fastify/websocket';
import fastify, { type FastifyBaseLogger, LogController } from 'fastify';
import type { Host } from '../host/types.ts';
import type { Lab } from '../lab/types.ts';
import { closeSockets, endStreams } from './closing.ts';
import { type App, DEFAULT_LIMITS, type Limits } from './context.ts';
import { accessControl } from './plugins/access.ts';
import { recordCalls } from './plugins/audit.ts';
import { collectSchemas, serveDocs } from './plugins/docs.ts';
import { answerGarbage, problemDocuments, problemOf, sendProblem } from './plugins/errors.ts';
import { idempotencyKeys } from './plugins/idempotency.ts';
import { rateLimits } from './plugins/limits.ts';
import { logRequests } from './plugins/log.ts';
import { serveMetrics } from './plugins/metrics.ts';
import { Problem, ProblemDocument } from './problem.ts';
import { recheckSockets } from './recheck.ts';
import { routes } from './routes/index.ts';
import { limitSockets } from './sockets.ts';
import { validatorCompiler } from './validation.ts';

/** What a server is made of. */
export interface ServerOptions {
  lab: Lab;
  host: Host;
  /** pino, or something like it; none: silence. */
  log?: FastifyBaseLogger;
  limits?: Partial<Limits>;
  /** Addresses of proxies whose X-Forwarded-For is believed; default: nobody's. */
  trustProxy?: string[];
  /** Folder of the built web page, served at `/`. */
  webFolder?: string;
  version?: string;
  /** Further counts for /metrics. */
  metrics?(): Record<string, number>;
}

const KEEP_ALIVE_MS = 65_000;

/** Builds the server; `listen` is the caller's. */
export async function buildServer(options: ServerOptions): Promise<App> {
  const limits: Limits = { ...DEFAULT_LIMITS, ...options.limits };
  const app = fastify({
    ...(options.log ? { loggerInstance: options.log } : { logger: false }),
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: limits.bodyBytes,
    trustProxy: options.trustProxy ?? false,
    requestTimeout: limits.requestTimeoutMs,
    http: {
      headersTimeout: limits.headersTimeoutMs,
      connectionsCheckingInterval: Math.min(5000, limits.headersTimeoutMs),
    },
    keepAliveTimeout: KEEP_ALIVE_MS,
    routerOptions: { maxParamLength: 256 },
    genReqId: () => randomBytes(8).toString('hex'),
    requestIdHeader: false,
    forceCloseConnections: 'idle',
    frameworkErrors: (error, request, reply) => {
      sendProblem(problemOf(error, request), request, reply);
    },
    clientErrorHandler: answerGarbage,
  }) as unknown as App;
  app.server.maxConnections = limits.connections;
  app.decorate('lab', options.lab);
  app.decorate('host', options.host);
  app.decorate('limits', limits);
  app.setValidatorCompiler(validatorCompiler);
  app.addSchema(ProblemDocument);
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({
      'x-request-id': request.id,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
  });
  await app.register(websocket, {
    options: { maxPayload: limits.frameBytes, clientTracking: true, perMessageDeflate: false },
    preClose: closeSockets as () => void,
  });
  endStreams(app);
  await collectSchemas(app, options.version ?? '0');
  problemDocuments(app);
  accessControl(app, await rateLimits(app, limits));
  limitSockets(app);
  recheckSockets(app);
  idempotencyKeys(app);
  recordCalls(app);
  logRequests(app);
  serveMetrics(app, options.metrics);
  await app.register(
    async (api) => {
      api.addHook('onSend', async (_request, reply) => {
        reply.header('cache-control', 'no-store');
      });
      await api.register((scope: App) => serveDocs(scope), { prefix: '' });
      for (const route of routes) await api.register(route);
    },
    { prefix: '/api/v1' },
  );
  await app.register(async (scope: App) => servePage(scope, options.webFolder));
  return app;
}

/** The web page; without one, a line that says where things are. */
async function servePage(app: App, folder: string | undefined): Promise<void> {
  app.addHook('onRoute', (route) => {
    route.config = { ...route.config, access: 'public' };
    route.schema = { ...route.schema, hide: true };
  });
  if (folder === undefined) {
    app.get('/', () => ({ oopsbox: '/api/v1/docs' }));
    return;
  }
  app.addHook('onSend', async (_request, reply) => {
    reply.header(
      'content-security-policy',
      "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self' ws: wss:; frame-ancestors 'none'",
    );
  });
  await app.register(fastifyStatic, { root: folder, wildcard: false });
}

export { Problem };
