/**
 * Who asks, and may they: decided before a handler runs. Always true: a route under /api that does not declare its access fails
 * the start of the server; a caller who may not know of a thing is answered as if it were not there.
 */
import type { FastifyRequest, RouteOptions } from 'fastify';
import {
  type CourseAction,
  courseActions,
  type LabAction,
  type VmAction,
  vmActions,
} from '../../lab/access.ts';
import { LabError } from '../../lab/types.ts';
import type { App, RouteAccess } from '../context.ts';
import { Problem } from '../problem.ts';

const BEARER = /^Bearer +([\w.~+/=-]{1,512})$/i;

const isVmAction = (access: RouteAccess): access is VmAction =>
  typeof access === 'string' && Object.hasOwn(vmActions, access);
const isCourseAction = (access: RouteAccess): access is CourseAction =>
  typeof access === 'string' && Object.hasOwn(courseActions, access);

/** The token or ticket of a request, when it brought one that looks like one. */
function credentialOf(request: FastifyRequest): { token?: string; ticket?: string } {
  const { authorization } = request.headers;
  if (authorization !== undefined) {
    const token = BEARER.exec(authorization)?.[1];
    if (token === undefined) throw new Problem('unauthenticated', 'Authorization must be: Bearer <token>');
    return { token };
  }
  if (request.routeOptions.config.ticket) {
    const { ticket } = request.query as { ticket?: unknown };
    if (typeof ticket === 'string' && ticket.length <= 512) return { ticket };
  }
  return {};
}

/** A start that would leave a route without a declared caller is a mistake of ours. */
function requireAccess(route: RouteOptions): void {
  const { access } = route.config ?? {};
  if (access === undefined)
    throw new Error(`${[route.method].flat().join('/')} ${route.url} does not declare its access`);
  if (isVmAction(access) && !/\/vms\/:id(\/|$)/.test(route.url))
    throw new Error(`${route.url}: ${access} needs /vms/:id in the path`);
  if (isCourseAction(access) && !/\/courses\/:id(\/|$)/.test(route.url))
    throw new Error(`${route.url}: ${access} needs /courses/:id in the path`);
}

/** Finds out who asks. A bad credential is an error even on a public route, so that it is noticed. */
export async function identify(app: App, request: FastifyRequest): Promise<void> {
  const { token, ticket } = credentialOf(request);
  try {
    if (token !== undefined) request.principal = await app.lab.auth.authenticate(token);
    else if (ticket !== undefined) request.principal = await app.lab.auth.redeemTicket(ticket);
  } catch (error) {
    if (!(error instanceof LabError) || error.code !== 'unauthenticated') throw error;
    throw new Problem(ticket === undefined ? 'unauthenticated' : 'bad-ticket', error.message);
  }
}

async function authorize(app: App, request: FastifyRequest, access: RouteAccess): Promise<void> {
  if (access === 'public') return;
  const { principal } = request;
  if (principal === null) throw new Problem('unauthenticated');
  const { id } = request.params as { id: string };
  if (isVmAction(access)) request.vm = await app.lab.authorizeVm(principal, access, id);
  else if (isCourseAction(access)) request.course = await app.lab.authorizeCourse(principal, access, id);
  else if (typeof access === 'string') await app.lab.authorize(principal, access as LabAction);
}

/** Adds the hooks that authenticate and authorize every request. */
export function accessControl(app: App, countRequest: (request: FastifyRequest) => Promise<void>): void {
  app.decorateRequest('principal', null);
  app.decorateRequest('vm', null);
  app.decorateRequest('course', null);
  const declared: RouteOptions[] = [];
  app.decorate('declaredRoutes', declared);
  app.addHook('onRoute', (route) => void declared.push(route));
  app.addHook('onReady', async () => declared.forEach(requireAccess));
  app.addHook('onRequest', async (request) => {
    if (request.is404) return countRequest(request);
    let refusal: unknown;
    try {
      await identify(app, request);
    } catch (error) {
      refusal = error;
    }
    await countRequest(request);
    if (refusal !== undefined) throw refusal;
    await authorize(app, request, request.routeOptions.config.access ?? 'self.read');
  });
  app.addHook('preHandler', async (request) => {
    const { access } = request.routeOptions.config;
    if (typeof access !== 'object' || request.principal === null) return;
    const { course } = request.body as { course: string };
    request.course = await app.lab.authorizeCourse(request.principal, access.action, course);
  });
  app.addHook('onSend', async (_request, reply) => {
    if (reply.statusCode === 401) reply.header('www-authenticate', 'Bearer');
  });
}
