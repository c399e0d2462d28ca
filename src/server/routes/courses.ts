/** Courses: the tenants, with what they let their people do and what their machines get. */
import { type Static, Type } from 'typebox';
import type { CourseRecord } from '../../lab/types.ts';
import type { App } from '../context.ts';
import {
  answers,
  Body,
  IdempotencyHeaders,
  IdParams,
  NOTHING,
  PageQuery,
  pageOf,
  toPage,
} from '../schema.ts';
import { QuotaChange, Quotas } from '../vm-schema.ts';

const tags = ['courses'];

const switches = {
  taMayWrite: Type.Boolean({ description: "assistants may write in students' VMs, not only watch and fork" }),
  studentsMayCreate: Type.Boolean({ description: 'students may make and fork VMs themselves' }),
  sshPasswords: Type.Boolean({ description: "SSH logins by password, checked against the VM's /etc/shadow" }),
  vmsPerPerson: Type.Integer({
    minimum: 0,
    maximum: 1000,
    description: 'most VMs a student or assistant owns',
  }),
};
const Settings = Type.Object({ ...switches, quotas: Quotas }, { description: 'quotas: of a new VM' });
const SettingsChange = Type.Partial(Type.Object({ ...switches, quotas: QuotaChange }), {
  additionalProperties: false,
});
const Course = Type.Object({
  id: Type.String(),
  slug: Type.String(),
  title: Type.String(),
  settings: Settings,
  createdAt: Type.String(),
});
const Title = Type.String({ minLength: 1, maxLength: 200 });

const show = ({ id, slug, title, settings, createdAt }: CourseRecord): Static<typeof Course> => ({
  id,
  slug,
  title,
  settings,
  createdAt,
});

/** Settings as a change: a partial of quotas is merged by the lab. */
const change = (settings: Static<typeof SettingsChange> | undefined) => settings as CourseRecord['settings'];

export async function courseRoutes(app: App): Promise<void> {
  const { lab } = app;

  app.get(
    '/courses',
    {
      config: { access: 'course.list' },
      schema: {
        tags,
        summary: 'Your courses',
        querystring: PageQuery,
        response: answers(200, pageOf(Course)),
      },
    },
    async (request) => toPage(await lab.courses.list(request.principal!, request.query), show),
  );

  app.post(
    '/courses',
    {
      config: { access: 'course.create', idempotent: true },
      schema: {
        tags,
        summary: 'Make a course (administrators)',
        headers: IdempotencyHeaders,
        body: Body({
          slug: Type.String({
            pattern: '^[a-z0-9][a-z0-9-]{0,62}$',
            description: 'short name, in addresses and commands; never changes',
          }),
          title: Title,
          settings: Type.Optional(SettingsChange),
        }),
        response: answers(201, Course),
      },
    },
    async (request, reply) => {
      const { slug, title, settings } = request.body;
      const course = await lab.courses.create({ slug, title, settings: change(settings) });
      return reply.code(201).header('location', `/api/v1/courses/${course.id}`).send(show(course));
    },
  );

  app.get(
    '/courses/:id',
    {
      config: { access: 'course.read' },
      schema: { tags, summary: 'A course, by id or slug', params: IdParams, response: answers(200, Course) },
    },
    async (request) => show(request.course!),
  );

  app.patch(
    '/courses/:id',
    {
      config: { access: 'course.manage' },
      schema: {
        tags,
        summary: "Change a course's title or settings; quotas are for VMs made from then on",
        params: IdParams,
        body: Body({ title: Type.Optional(Title), settings: Type.Optional(SettingsChange) }),
        response: answers(200, Course),
      },
    },
    async (request) => {
      const { title, settings } = request.body;
      return show(await lab.courses.update(request.course!.id, { title, settings: change(settings) }));
    },
  );

  app.delete(
    '/courses/:id',
    {
      config: { access: 'course.delete' },
      schema: {
        tags,
        summary: 'Delete a course that has no VMs (administrators)',
        params: IdParams,
        response: NOTHING,
      },
    },
    async (request, reply) => {
      await lab.courses.remove(request.course!.id);
      return reply.code(204).send(null);
    },
  );
}
