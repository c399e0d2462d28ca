/** Signing in: a challenge that an SSH key signs, tokens, one-use tickets for browsers, and who one is. */
import { Type } from 'typebox';
import type { App } from '../context.ts';
import { answers, Body, NOTHING, oneOf, orNull } from '../schema.ts';

const tags = ['signing in'];
export const ROLES = ['instructor', 'ta', 'student', 'grader'] as const;

const PublicKey = Type.String({
  minLength: 1,
  maxLength: 16_384,
  description: 'one line in OpenSSH format, as in ~/.ssh/id_ed25519.pub',
});
const ExpiresAt = Type.String({ description: 'ISO 8601, UTC' });
const Session = Type.Object({
  token: Type.String({ description: 'send it as `Authorization: Bearer <token>`' }),
  expiresAt: ExpiresAt,
});

/** A person as others see one. */
export const Person = Type.Object({
  id: Type.String(),
  login: Type.String(),
  name: Type.String(),
  email: orNull(Type.String()),
});

export async function authRoutes(app: App): Promise<void> {
  const { lab } = app;

  app.post(
    '/auth/challenge',
    {
      config: { access: 'public', limit: 'signIn' },
      schema: {
        tags,
        summary: 'A text to sign with `ssh-keygen -Y sign -n oopsbox`; good once, for two minutes',
        security: [],
        body: Body({ publicKey: PublicKey }),
        response: answers(200, Type.Object({ challenge: Type.String(), expiresAt: ExpiresAt })),
      },
    },
    (request) => lab.auth.challenge(request.body.publicKey),
  );

  app.post(
    '/auth/token',
    {
      config: { access: 'public', limit: 'signIn' },
      schema: {
        tags,
        summary: 'A session token for a signed challenge',
        security: [],
        body: Body({
          publicKey: PublicKey,
          signature: Type.String({
            minLength: 1,
            maxLength: 16_384,
            description: 'what ssh-keygen -Y sign wrote: -----BEGIN SSH SIGNATURE-----…',
          }),
          challenge: Type.Optional(
            Type.String({ maxLength: 256, description: 'which one was signed, where several are open' }),
          ),
        }),
        response: answers(200, Session),
      },
    },
    async (request) => {
      const { publicKey, signature, challenge } = request.body;
      const { person, ...session } = await lab.auth.signIn(publicKey, signature, challenge);
      await lab.audit.record({
        action: 'auth.token',
        principal: await lab.auth.principalOf(person.id),
        remoteAddress: request.ip,
      });
      return session;
    },
  );

  app.delete(
    '/auth/token',
    {
      config: { access: 'self.read' },
      schema: { tags, summary: 'Sign out: revokes the token of this request', response: NOTHING },
    },
    async (request, reply) => {
      await lab.auth.signOut(request.principal!);
      return reply.code(204).send(null);
    },
  );

  app.post(
    '/auth/ticket',
    {
      config: { access: 'self.read' },
      schema: {
        tags,
        summary: 'A ticket for one WebSocket (`?ticket=`) or one sign-in link; good once, for 30 seconds',
        body: Body({}),
        response: answers(200, Type.Object({ ticket: Type.String(), expiresAt: ExpiresAt })),
      },
    },
    (request) => lab.auth.issueTicket(request.principal!),
  );

  app.post(
    '/auth/exchange',
    {
      config: { access: 'public', limit: 'signIn' },
      schema: {
        tags,
        summary: 'A session token for a ticket: what a sign-in link does',
        security: [],
        body: Body({ ticket: Type.String({ minLength: 1, maxLength: 512 }) }),
        response: answers(200, Session),
      },
    },
    async (request) => {
      const { token, expiresAt } = await lab.auth.exchangeTicket(request.body.ticket);
      return { token, expiresAt };
    },
  );

  app.get(
    '/me',
    {
      config: { access: 'self.read' },
      schema: {
        tags,
        summary: 'Who you are, and what in which course',
        response: answers(
          200,
          Type.Object({
            person: Person,
            admin: Type.Boolean(),
            courses: Type.Array(
              Type.Object({
                id: Type.String(),
                slug: Type.String(),
                title: Type.String(),
                role: oneOf(ROLES),
              }),
            ),
            token: Type.Object({
              id: Type.String(),
              kind: oneOf(['session', 'api']),
              course: orNull(Type.String({ description: 'id of the only course it is good for' })),
              role: orNull(oneOf(ROLES, { description: 'what it is in that course' })),
            }),
          }),
        ),
      },
    },
    async (request) => {
      const principal = request.principal!;
      const [{ id, login, name, email }, parts] = await Promise.all([
        lab.people.get(principal.personId),
        lab.people.memberships(principal.personId),
      ]);
      const { courseId } = principal;
      return {
        person: { id, login, name, email },
        admin: principal.admin,
        courses: parts
          .filter((part) => courseId === null || part.courseId === courseId)
          .map((part) => ({
            id: part.courseId,
            slug: part.courseSlug,
            title: part.title,
            role: principal.role ?? part.role,
          })),
        token: { id: principal.tokenId, kind: principal.tokenKind, course: courseId, role: principal.role },
      };
    },
  );
}
