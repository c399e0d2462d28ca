/** OpenAPI 3.1 of every route from its schemas, at /api/v1/openapi.json, and a page that shows it. */
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { App } from '../context.ts';

interface Schema {
  params?: { properties?: Record<string, unknown>; required?: string[] };
}
interface Operation {
  operationId?: string;
  responses: Record<string, unknown>;
}
interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { responses?: Record<string, unknown> };
}

/** The rest of a path, `*` for the router, is a parameter with a name. */
function named(schema: Schema, url: string): { schema: Schema; url: string } {
  if (!url.endsWith('/*') || schema.params?.properties?.['*'] === undefined) return { schema, url };
  const { '*': path, ...properties } = schema.params.properties;
  const required = (schema.params.required ?? []).map((name) => (name === '*' ? 'path' : name));
  return {
    schema: { ...schema, params: { ...schema.params, properties: { ...properties, path }, required } },
    url: `${url.slice(0, -1)}:path`,
  };
}

/** `getVmsKernelLog` for GET /api/v1/vms/{id}/kernel/log, `getVm` for what ends in a parameter. */
function operationId(method: string, path: string): string {
  const parts = path.replace('/api/v1/', '').split('/');
  const words: string[] = [];
  for (const [index, part] of parts.entries())
    if (!part.startsWith('{')) words.push(part);
    else if (index === parts.length - 1) words.push('by', part.slice(1, -1));
  return method + words.map((word) => word[0].toUpperCase() + word.slice(1)).join('');
}

/** Every refusal is the same response, told once; every operation has a name for generated clients. */
function tidy(document: Document): Document {
  document.components.responses = {
    Problem: {
      description: 'What is wrong, as a problem document (RFC 9457)',
      content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
    },
  };
  for (const [path, methods] of Object.entries(document.paths))
    for (const [method, operation] of Object.entries(methods)) {
      operation.operationId ??= operationId(method, path);
      for (const status of Object.keys(operation.responses))
        if (/^[45]/.test(status)) operation.responses[status] = { $ref: '#/components/responses/Problem' };
    }
  return document;
}

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
    transform: ({ schema, url }) => named(schema as unknown as Schema, url) as never,
    transformObject: (document) =>
      'openapiObject' in document
        ? (tidy(document.openapiObject as unknown as Document) as never)
        : ({} as never),
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
  let document: string | undefined;
  app.get('/openapi.json', (_request, reply) => {
    document ??= JSON.stringify(app.swagger());
    return reply.type('application/json; charset=utf-8').send(document);
  });
}
