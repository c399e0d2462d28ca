/** Your SSH public keys: they sign in here and log in to your VMs. */
import { type Static, Type } from 'typebox';
import type { KeypairRecord } from '../../lab/types.ts';
import type { App } from '../context.ts';
import { answers, Body, IdempotencyHeaders, NOTHING, PageQuery, pageOf, toPage } from '../schema.ts';

const tags = ['keys'];

const Keypair = Type.Object({
  id: Type.String(),
  name: Type.String(),
  type: Type.String({ examples: ['ssh-ed25519'] }),
  bits: Type.Integer(),
  fingerprint: Type.String({ description: 'SHA256:…, as ssh-keygen -l prints it' }),
  publicKey: Type.String(),
  createdAt: Type.String(),
});
const KeyParams = Type.Object({
  id: Type.String({ minLength: 1, maxLength: 100, description: 'id or name' }),
});

const show = ({
  id,
  name,
  type,
  bits,
  fingerprint,
  publicKey,
  createdAt,
}: KeypairRecord): Static<typeof Keypair> => ({ id, name, type, bits, fingerprint, publicKey, createdAt });

export async function keypairRoutes(app: App): Promise<void> {
  const { lab } = app;

  app.get(
    '/keypairs',
    {
      config: { access: 'self.read' },
      schema: {
        tags,
        summary: 'Your keys',
        querystring: PageQuery,
        response: answers(200, pageOf(Keypair)),
      },
    },
    async (request) => toPage(await lab.keypairs.list(request.principal!.personId, request.query), show),
  );

  app.post(
    '/keypairs',
    {
      config: { access: 'keypair.manage', idempotent: true },
      schema: {
        tags,
        summary: 'Register a public key',
        headers: IdempotencyHeaders,
        body: Body({
          name: Type.String({ minLength: 1, maxLength: 100 }),
          publicKey: Type.String({
            minLength: 1,
            maxLength: 16_384,
            description: 'one line, OpenSSH format',
          }),
        }),
        response: answers(201, Keypair),
      },
    },
    async (request, reply) => {
      const key = await lab.keypairs.add(request.principal!.personId, request.body);
      return reply.code(201).header('location', `/api/v1/keypairs/${key.id}`).send(show(key));
    },
  );

  app.get(
    '/keypairs/:id',
    {
      config: { access: 'self.read' },
      schema: { tags, summary: 'A key of yours', params: KeyParams, response: answers(200, Keypair) },
    },
    async (request) => show(await lab.keypairs.get(request.principal!.personId, request.params.id)),
  );

  app.delete(
    '/keypairs/:id',
    {
      config: { access: 'keypair.manage' },
      schema: { tags, summary: 'Remove a key of yours', params: KeyParams, response: NOTHING },
    },
    async (request, reply) => {
      await lab.keypairs.remove(request.principal!.personId, request.params.id);
      return reply.code(204).send(null);
    },
  );
}
