/** OpenAPI 3.1 of every route from its schemas, at /api/v1/openapi.json, and a page that shows it. */
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { App } from '../context.ts';

/** Collects schemas; to be registered before any route. */
export async function collectSchemas(app: App, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Oopsbox',
        version,
        description:
          'Simulated Linux VMs that are safe to crash. Sign in with an SSH key (`/auth/challenge`, `/auth/token`) or bring ' +
          'an API token. Errors are problem documents (RFC 9457) whose `type` is stable. Lists answer `items` and ' +
          '`nextCursor`. Creating calls honour `Idempotency-Key`.',
      },
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
      security: [{ bearer: [] }],
    },
    refResolver: { buildLocalReference: (json, _base, _fragment, i) => String(json.$id ?? `schema-${i}`) },
  });
}

/** Serves the document and the page; to be registered in the scope of /api/v1. */
export async function serveDocs(app: App): Promise<void> {
  app.addHook('onRoute', (route) => {
    route.config = { ...route.config, access: 'public' };
    route.schema = { ...route.schema, hide: true };
  });
  await app.register(swaggerUi, { routePrefix: '/docs' });
  app.get('/openapi.json', () => app.swagger());
}
