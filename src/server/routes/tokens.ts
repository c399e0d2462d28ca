/**
 * Tokens for programs: graders, scripts. Always true: the text of a token leaves once, when it is made, and is kept nowhere; that
 * is why making one honours no Idempotency-Key, whose answers are kept.
 */
import { type Static, Type } from 'typebox';
import type { TokenRecord } from '../../lab/types.ts';
import type { App } from '../context.ts';
import { answers, Body, IdParams, NOTHING, oneOf, orNull, PageQuery, pageOf, toPage } from '../schema.ts';
import { ROLES } from './auth.ts';

const tags = ['tokens'];

const token = {
  id: Type.String(),
  name: Type.String(),
  kind: oneOf(['session', 'api']),
  course: orNull(Type.String({ description: 'id of the only course it is good for' })),
  role: orNull(oneOf(ROLES, { description: 'what it is in that course' })),
  createdAt: Type.String(),
  expiresAt: Type.String(),
  lastUsedAt: orNull(Type.String()),
};
const Token = Type.Object(token);
const NewToken = Type.Object({ ...token, token: Type.String({ description: 'shown this once' }) });

const show = (row: TokenRecord): Static<typeof Token> => ({
  id: row.id,
  name: row.name,
  kind: row.kind,
  course: row.courseId,
  role: row.role,
  createdAt: row.createdAt,
  expiresAt: row.expiresAt,
  lastUsedAt: row.lastUsedAt,
});

export async function tokenRoutes(app: App): Promise<void> {
  const { lab } = app;

  app.get(
    '/tokens',
    {
      config: { access: 'self.read' },
      schema: {
        tags,
        summary: 'Your tokens and sessions that are good now',
        querystring: PageQuery,
        response: answers(200, pageOf(Token)),
      },
    },
    async (request) => toPage(await lab.tokens.list(request.principal!, request.query), show),
  );

  app.post(
    '/tokens',
    {
      config: { access: 'token.manage', limit: 'creates' },
      schema: {
        tags,
        summary: 'Make a token, of one course and role if you like (`grader` needs you to be an instructor)',
        body: Body({
          name: Type.String({ minLength: 1, maxLength: 100 }),
          course: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: 'id or slug' })),
          role: Type.Optional(oneOf(ROLES)),
          expiresInSec: Type.Optional(
            Type.Integer({ minimum: 60, maximum: 31_622_400, description: 'default 90 days' }),
          ),
        }),
        response: answers(201, NewToken),
      },
    },
    async (request, reply) => {
      const made = await lab.tokens.create(request.principal!, request.body);
      return reply
        .code(201)
        .header('location', `/api/v1/tokens/${made.id}`)
        .send({ ...show(made), token: made.token });
    },
  );

  app.delete(
    '/tokens/:id',
    {
      config: { access: 'token.manage' },
      schema: {
        tags,
        summary: 'Revoke a token: yours, or one of a course that you manage',
        params: IdParams,
        response: NOTHING,
      },
    },
    async (request, reply) => {
      await lab.tokens.revoke(request.principal!, request.params.id);
      return reply.code(204).send(null);
    },
  );
}
