/**
 * /metrics for Prometheus, /healthz (the process answers) and /readyz (database and machines answer). Always true: nothing here
 * names a person, a course or a machine.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { App } from '../context.ts';

const CACHED_MS = 1000;

/** Counts of the process, of requests, and of the host. */
export function serveMetrics(app: App, more: () => Record<string, number> = () => ({})): void {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const duration = new Histogram({
    name: 'oopsbox_http_request_duration_seconds',
    help: 'Time to answer a request, by route',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30],
    registers: [registry],
  });
  const problems = new Counter({
    name: 'oopsbox_http_server_errors_total',
    help: 'Requests answered with a 5xx status',
    registers: [registry],
  });
  new Gauge({
    name: 'oopsbox_websockets',
    help: 'WebSockets open now',
    registers: [registry],
    collect() {
      this.set(app.websocketServer.clients.size);
    },
  });
  const hostMetrics = new Map<string, Gauge | Counter>();
  app.addHook('onResponse', async (request, reply) => {
    const route = request.is404 ? 'none' : (request.routeOptions.url ?? 'none');
    duration.observe(
      { method: request.method, route, status: String(reply.statusCode) },
      reply.elapsedTime / 1000,
    );
    if (reply.statusCode >= 500) problems.inc();
  });
  const open = { config: { access: 'public', limit: 'none' }, schema: { hide: true } } as const;
  app.get('/metrics', open, async (_request, reply) => {
    for (const [name, value] of Object.entries({ ...(await app.host.metrics()), ...more() })) {
      const full = `oopsbox_${name
        .replace(/([a-z\d])([A-Z])/g, '$1_$2')
        .replace(/\W+/g, '_')
        .toLowerCase()}`;
      const [Kind, help] = full.endsWith('_total') ? [Counter, 'count'] : [Gauge, 'now'];
      let metric = hostMetrics.get(full);
      if (metric === undefined) {
        metric = new Kind({ name: full, help: `${name}, ${help}`, registers: [registry] });
        hostMetrics.set(full, metric);
      }
      metric.reset();
      metric.inc(Math.max(0, value));
    }
    return reply.type(registry.contentType).send(await registry.metrics());
  });
  app.get('/healthz', open, () => ({ status: 'ok' }));
  let ready: { atMs: number; answer: Promise<Record<string, string>> } | null = null;
  app.get('/readyz', open, async (_request, reply) => {
    const now = Date.now();
    if (ready === null || now - ready.atMs > CACHED_MS) ready = { atMs: now, answer: checkAll(app) };
    const checks = await ready.answer;
    const ok = Object.values(checks).every((one) => one === 'ok');
    return reply.code(ok ? 200 : 503).send({ status: ok ? 'ok' : 'unavailable', checks });
  });
}

async function checkAll(app: App): Promise<Record<string, string>> {
  const check = async (work: Promise<unknown>): Promise<string> => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<string>((resolve) => {
      timer = setTimeout(() => resolve('does not answer'), 3000);
    });
    const done = work.then(
      () => 'ok',
      () => 'fails',
    );
    return Promise.race([done, late]).finally(() => clearTimeout(timer));
  };
  const [database, host] = await Promise.all([check(app.lab.ping()), check(app.host.metrics())]);
  return { database, host };
}
