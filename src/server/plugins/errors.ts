/**
 * Every error leaves as a problem document. Always true: what is not known here is `internal`, its text goes to the log and not
 * to the caller.
 */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { HostError } from '../../host/types.ts';
import { LabError, type LabErrorCode } from '../../lab/types.ts';
import type { App } from '../context.ts';
import { type FieldError, PROBLEMS, Problem, type ProblemKind } from '../problem.ts';

const FASTIFY_KINDS: Record<string, ProblemKind> = {
  FST_ERR_CTP_INVALID_JSON_BODY: 'malformed-json',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'malformed-json',
  FST_ERR_CTP_BODY_TOO_LARGE: 'too-large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported-media-type',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'bad-request',
  FST_ERR_BAD_URL: 'bad-request',
  FST_ERR_ASYNC_CONSTRAINT: 'bad-request',
  FST_ERR_MAX_PARAM_LENGTH: 'not-found',
};

const LAB_KINDS: Record<LabErrorCode, ProblemKind> = {
  unauthenticated: 'unauthenticated',
  forbidden: 'forbidden',
  'not-found': 'not-found',
  exists: 'exists',
  'wrong-state': 'wrong-state',
  invalid: 'not-acceptable-value',
  quota: 'quota',
  'idempotency-mismatch': 'idempotency-key-reused',
  'idempotency-busy': 'request-in-progress',
};

const HOST_KINDS: Record<HostError['code'], ProblemKind> = {
  'no-such-vm': 'no-such-vm',
  exists: 'exists',
  'wrong-state': 'wrong-state',
  'no-such-terminal': 'no-such-terminal',
  'no-such-snapshot': 'no-such-snapshot',
  'no-such-user': 'no-such-user',
  'bad-spec': 'not-acceptable-value',
  guest: 'guest-error',
  'too-large': 'too-large',
  'worker-lost': 'machine-lost',
  closed: 'shutting-down',
};

/** What Linux's refusal of a file means for who asked for the file. */
const ERRNO_KINDS: Record<string, ProblemKind> = {
  ENOENT: 'no-such-file',
  ENOTDIR: 'file-conflict',
  EISDIR: 'file-conflict',
  ENOTEMPTY: 'file-conflict',
  EEXIST: 'file-conflict',
  EBUSY: 'file-conflict',
  ETXTBSY: 'file-conflict',
  ELOOP: 'bad-path',
  ENAMETOOLONG: 'bad-path',
  EINVAL: 'bad-path',
  ENOSPC: 'disk-full',
  EDQUOT: 'disk-full',
  EFBIG: 'too-large',
};

/** "Not found" of the lab, in the words of the resource that the route is about. */
const RESOURCES: readonly [RegExp, ProblemKind][] = [
  [/\/snapshots\/:/, 'no-such-snapshot'],
  [/\/members\/:/, 'no-such-member'],
  [/\/keypairs\/:/, 'no-such-keypair'],
  [/\/tokens\/:/, 'no-such-token'],
];

function notFoundKind(request: FastifyRequest): ProblemKind {
  const url = request.routeOptions.url ?? '';
  if (request.vm === null && /\/vms\/:/.test(url)) return 'no-such-vm';
  for (const [pattern, kind] of RESOURCES) if (pattern.test(url)) return kind;
  if (/\/courses\/:/.test(url)) return 'no-such-course';
  return 'not-found';
}

interface SchemaFault {
  instancePath?: string;
  keyword?: string;
  message?: string;
  params?: { requiredProperties?: string[]; additionalProperties?: string[] };
}

/** The faults of a schema check as fields: `additionalProperties` names those that are too many, `required` the missing. */
export function fieldErrors(part: string, faults: readonly SchemaFault[]): FieldError[] {
  const errors: FieldError[] = [];
  const where = part === 'params' ? 'path' : part === 'querystring' ? 'query' : part;
  for (const fault of faults) {
    const base = (fault.instancePath ?? '').replace(/^\//, '');
    const below = (name: string) => (base === '' ? name : `${base}/${name}`);
    const missing = fault.keyword === 'required' ? fault.params?.requiredProperties : undefined;
    const extra = fault.keyword === 'additionalProperties' ? fault.params?.additionalProperties : undefined;
    for (const name of missing ?? []) errors.push({ in: where, field: below(name), message: 'is required' });
    for (const name of extra ?? []) errors.push({ in: where, field: below(name), message: 'is not known' });
    if (missing === undefined && extra === undefined && fault.keyword !== 'boolean')
      errors.push({ in: where, field: base, message: fault.message ?? 'is wrong' });
  }
  return errors.slice(0, 20);
}

/** Makes a problem of whatever was thrown. */
export function problemOf(error: unknown, request: FastifyRequest): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof LabError) {
    const kind = error.kind ?? (error.code === 'not-found' ? notFoundKind(request) : LAB_KINDS[error.code]);
    const errors = error.errors.map(({ where, message }) => ({
      in: where.startsWith('line') ? 'csv' : 'body',
      field: where.replace(/^\//, ''),
      message,
    }));
    return new Problem(kind, error.message, errors.length > 0 ? { errors } : {});
  }
  if (error instanceof HostError) {
    const kind =
      error.errno === undefined
        ? HOST_KINDS[error.code]
        : (ERRNO_KINDS[error.errno] ?? HOST_KINDS[error.code]);
    return new Problem(kind, error.message, error.errno === undefined ? {} : { errno: error.errno });
  }
  const { code, statusCode, validation, validationContext, message } = error as FastifyError;
  if (validation !== undefined)
    return new Problem('invalid-request', undefined, {
      errors: fieldErrors(validationContext ?? 'body', validation as SchemaFault[]),
    });
  const known = FASTIFY_KINDS[code];
  if (known !== undefined) return new Problem(known, message);
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    const kind = (Object.keys(PROBLEMS) as ProblemKind[]).find((one) => PROBLEMS[one][0] === statusCode);
    return new Problem(kind ?? 'bad-request', message);
  }
  return new Problem('internal');
}

/** Sends a problem document. */
export function sendProblem(problem: Problem, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const path = request.url.split('?', 1)[0];
  const body = JSON.stringify(problem.document(path, request.id));
  return reply
    .code(problem.status)
    .headers(problem.headers)
    .header('content-type', 'application/problem+json; charset=utf-8')
    .serializer((text: string) => text)
    .send(body);
}

/** What is not even HTTP gets a problem document, too, and the connection ends. */
export function answerGarbage(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : error.code === 'HPE_HEADER_OVERFLOW' ? 431 : 400;
  const body = JSON.stringify({ type: 'about:blank', title: STATUS_CODES[status], status });
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/problem+json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

/** Sets the error handlers of the server. */
export function problemDocuments(app: App): void {
  const routes: { method: string; path: RegExp }[] = [];
  app.addHook('onRoute', ({ method, url }) => {
    const path = new RegExp(
      `^${url
        .replace(/[.+?()[\]{}|\\^$]/g, '\\$&')
        .replace(/:\w+/g, '[^/]+')
        .replace(/\*/g, '.*')}$`,
    );
    for (const one of [method].flat()) if (one !== 'HEAD') routes.push({ method: one, path });
  });
  app.setErrorHandler((error, request, reply) => {
    const problem = problemOf(error, request);
    if (problem.kind === 'internal') request.log.error({ err: error }, 'the server made a mistake');
    return sendProblem(problem, request, reply);
  });
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0];
    const allowed = new Set(routes.filter((route) => route.path.test(path)).map((route) => route.method));
    const problem =
      allowed.size > 0 && !allowed.has(request.method)
        ? new Problem('method-not-allowed', undefined, {}, { allow: [...allowed].join(', ') })
        : new Problem('not-found');
    return sendProblem(problem, request, reply);
  });
  app.get<{ Params: { kind: string } }>(
    '/problems/:kind',
    { config: { access: 'public' }, schema: { hide: true } },
    (request) => {
      const { kind } = request.params;
      if (!Object.hasOwn(PROBLEMS, kind)) throw new Problem('no-such-problem');
      const [status, title, remedy] = PROBLEMS[kind as ProblemKind];
      return { type: `/problems/${kind}`, status, title, remedy };
    },
  );
}
