/** Who is in a course, as what; one by one or as a CSV list. */
import { type Static, Type } from 'typebox';
import type { MembershipRecord } from '../../lab/types.ts';
import type { App } from '../context.ts';
import {
  answers,
  Body,
  IdempotencyHeaders,
  IdParams,
  NOTHING,
  oneOf,
  pageOf,
  pageQuery,
  toPage,
} from '../schema.ts';
import { Person, ROLES } from './auth.ts';

const tags = ['members'];

const Member = Type.Object({ person: Person, role: oneOf(ROLES), createdAt: Type.String() });
const MemberParams = Type.Object({
  id: Type.String({ minLength: 1, maxLength: 64 }),
  person: Type.String({ minLength: 1, maxLength: 64, description: 'id or login' }),
});

const show = ({ person, role, createdAt }: MembershipRecord): Static<typeof Member> => ({
  person,
  role,
  createdAt,
});

export async function memberRoutes(app: App): Promise<void> {
  const { lab } = app;

  app.get(
    '/courses/:id/members',
    {
      config: { access: 'member.list' },
      schema: {
        tags,
        summary: 'The people of a course',
        params: IdParams,
        querystring: Type.Object({ ...pageQuery, role: Type.Optional(oneOf(ROLES)) }),
        response: answers(200, pageOf(Member)),
      },
    },
    async (request) => toPage(await lab.members.list(request.course!.id, request.query), show),
  );

  app.post(
    '/courses/:id/members',
    {
      config: { access: 'member.manage', idempotent: true },
      schema: {
        tags,
        summary: 'Add somebody, making the account when the login is new',
        params: IdParams,
        headers: IdempotencyHeaders,
        body: Body({
          login: Type.String({ pattern: '^[a-z0-9][a-z0-9._@+-]{0,63}$' }),
          name: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
          email: Type.Optional(Type.String({ maxLength: 254 })),
          role: oneOf(ROLES),
          publicKey: Type.Optional(
            Type.String({ maxLength: 16_384, description: 'a first SSH key for a new account' }),
          ),
        }),
        response: answers(201, Member),
      },
    },
    async (request, reply) => {
      const member = await lab.members.add(request.course!.id, request.body);
      const location = `/api/v1/courses/${request.course!.id}/members/${member.person.id}`;
      return reply.code(201).header('location', location).send(show(member));
    },
  );

  await app.register(async (scope: App) => importRoute(scope));

  app.get(
    '/courses/:id/members/:person',
    {
      config: { access: 'member.list' },
      schema: { tags, summary: 'A member', params: MemberParams, response: answers(200, Member) },
    },
    async (request) => show(await lab.members.get(request.course!.id, request.params.person)),
  );

  app.patch(
    '/courses/:id/members/:person',
    {
      config: { access: 'member.manage' },
      schema: {
        tags,
        summary: "Change a member's role; tokens that the old role gave end",
        params: MemberParams,
        body: Body({ role: oneOf(ROLES) }),
        response: answers(200, Member),
      },
    },
    async (request) =>
      show(await lab.members.setRole(request.course!.id, request.params.person, request.body.role)),
  );

  app.delete(
    '/courses/:id/members/:person',
    {
      config: { access: 'member.manage' },
      schema: {
        tags,
        summary: 'Take somebody out of the course; the account stays',
        params: MemberParams,
        response: NOTHING,
      },
    },
    async (request, reply) => {
      await lab.members.remove(request.course!.id, request.params.person);
      return reply.code(204).send(null);
    },
  );
}

/** The import, in a scope of its own that understands CSV and nothing else. */
function importRoute(app: App): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('text/csv', { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, new TextDecoder('utf-8').decode(body as Buffer)),
  );
  app.post(
    '/courses/:id/members/import',
    {
      config: { access: 'member.manage', limit: 'creates' },
      schema: {
        tags,
        summary:
          'Add or change many at once from a CSV list (login,name,email,role,public_key); all or nothing',
        consumes: ['text/csv'],
        params: IdParams,
        body: Type.String({ description: 'UTF-8 with a header line; only `login` is required' }),
        response: answers(
          200,
          Type.Object({ added: Type.Integer(), updated: Type.Integer(), unchanged: Type.Integer() }),
        ),
      },
    },
    (request) => app.lab.members.importCsv(request.course!.id, request.body),
  );
}
