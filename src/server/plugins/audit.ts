/**
 * The audit log of the API. Always true: every call that may change something and was not refused is in it, under the action that
 * allowed it; bodies are not, for they hold what is nobody's business. A log that cannot be written is an error of the server's
 * log, not of the call, which has been answered.
 */
import type { App } from '../context.ts';

/** Writes the log once a call was answered. */
export function recordCalls(app: App): void {
  app.addHook('onResponse', async (request, reply) => {
    const { access } = request.routeOptions.config;
    const { principal } = request;
    if (principal === null || access === undefined || access === 'public') return;
    if (request.method === 'GET' || request.method === 'HEAD' || reply.statusCode >= 400) return;
    const { id: _, ...params } = request.params as Record<string, string>;
    try {
      await app.lab.audit.record({
        principal,
        action: typeof access === 'object' ? access.action : access,
        courseId: request.vm?.courseId ?? request.course?.id ?? principal.courseId,
        vmId: request.vm?.id ?? null,
        remoteAddress: request.ip,
        detail: {
          method: request.method,
          route: request.routeOptions.url ?? '',
          status: reply.statusCode,
          requestId: request.id,
          ...params,
        },
      });
    } catch (error) {
      request.log.error({ err: error }, 'the audit log cannot be written');
    }
  });
}
