/**
 * How often one caller may call. Always true: who is known counts as a person, everybody else as an address, so that guessing
 * tokens is limited by where it comes from; sign-ins count by address on top of it.
 */
import rateLimit from '@fastify/rate-limit';
import type { FastifyRequest } from 'fastify';
import type { App, Limits } from '../context.ts';
import { Problem } from '../problem.ts';

const byCaller = (request: FastifyRequest): string =>
  request.principal === null ? `address ${request.ip}` : `person ${request.principal.personId}`;
const byAddress = (request: FastifyRequest): string => `address ${request.ip}`;

type Counted = Awaited<ReturnType<ReturnType<App['createRateLimit']>>>;

function refuseBeyond(counted: Counted): void {
  if (counted.isAllowed || !counted.isExceeded) return;
  const seconds = Math.max(1, counted.ttlInSeconds);
  throw new Problem(
    'rate-limited',
    `At most ${counted.max} a minute; wait ${seconds} s.`,
    {},
    {
      'retry-after': String(seconds),
    },
  );
}

/** Answers the function that counts a request and throws when it is one too many. */
export async function rateLimits(
  app: App,
  limits: Limits,
): Promise<(request: FastifyRequest) => Promise<void>> {
  await app.register(rateLimit, { global: false });
  const counter = (max: number, keyGenerator: (request: FastifyRequest) => string) =>
    app.createRateLimit({ max, timeWindow: 60_000, keyGenerator });
  const requests = counter(limits.requestsPerMinute, byCaller);
  const signIns = counter(limits.signInsPerMinute, (request) => `sign-in ${byAddress(request)}`);
  const creates = counter(limits.createsPerMinute, (request) => `create ${byCaller(request)}`);
  return async (request) => {
    const { limit = 'requests' } = request.routeOptions.config;
    if (limit === 'none') return;
    if (limit === 'signIn') refuseBeyond(await signIns(request));
    if (limit === 'creates') refuseBeyond(await creates(request));
    refuseBeyond(await requests(request));
  };
}
