/** The audit log, and the images that VMs are made of. */
import { type Static, Type } from 'typebox';
import type { AuditRecord } from '../../lab/types.ts';
import type { App } from '../context.ts';
import { answers, IdParams, orNull, PageQuery, pageOf, pageQuery, toPage } from '../schema.ts';

const tags = ['records'];

const Entry = Type.Object({
  id: Type.String(),
  time: Type.String(),
  person: orNull(Type.Object({ id: Type.String(), login: orNull(Type.String()) })),
  token: orNull(Type.String()),
  action: Type.String({ examples: ['vm.use', 'auth.token'] }),
  course: orNull(Type.String()),
  vm: orNull(Type.String()),
  remoteAddress: orNull(Type.String()),
  detail: Type.Record(Type.String(), Type.Any()),
});
const Image = Type.Object({
  id: Type.String(),
  name: Type.String(),
  kernels: Type.Array(Type.String()),
  createdAt: Type.String(),
});

const show = (entry: AuditRecord): Static<typeof Entry> => ({
  id: entry.id,
  time: entry.time,
  person: entry.personId === null ? null : { id: entry.personId, login: entry.login },
  token: entry.tokenId,
  action: entry.action,
  course: entry.courseId,
  vm: entry.vmId,
  remoteAddress: entry.remoteAddress,
  detail: entry.detail,
});

export async function recordRoutes(app: App): Promise<void> {
  const { lab } = app;

  app.get(
    '/audit',
    {
      config: { access: 'audit.read.all' },
      schema: {
        tags,
        summary: 'Who did what, newest first (administrators)',
        querystring: Type.Object({
          ...pageQuery,
          vm: Type.Optional(Type.String({ format: 'uuid' })),
          person: Type.Optional(Type.String({ format: 'uuid' })),
        }),
        response: answers(200, pageOf(Entry)),
      },
    },
    async ({ query: { vm, person, ...page } }) =>
      toPage(await lab.audit.list({ ...page, vmId: vm, personId: person }), show),
  );

  app.get(
    '/courses/:id/audit',
    {
      config: { access: 'audit.read' },
      schema: {
        tags,
        summary: 'Who did what in a course, newest first',
        params: IdParams,
        querystring: PageQuery,
        response: answers(200, pageOf(Entry)),
      },
    },
    async (request) => toPage(await lab.audit.list({ ...request.query, courseId: request.course!.id }), show),
  );

  app.get(
    '/images',
    {
      config: { access: 'image.list' },
      schema: {
        tags,
        summary: 'Base images and their kernels',
        querystring: PageQuery,
        response: answers(200, pageOf(Image)),
      },
    },
    async (request) => toPage(await lab.images.list(request.query), (image) => image),
  );
}
