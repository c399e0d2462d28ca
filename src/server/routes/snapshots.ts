/** Snapshots of a machine: memory and disk, kept under a name. */
import { Type } from 'typebox';
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
import { Snapshot, showSnapshot, showVm, Vm } from '../vm-schema.ts';

const tags = ['snapshots'];
const Params = Type.Object({
  ...IdParams.properties,
  snapshot: Type.String({ minLength: 1, maxLength: 64, description: 'id or name' }),
});

export async function snapshotRoutes(app: App): Promise<void> {
  const { vms } = app.lab;

  app.get(
    '/vms/:id/snapshots',
    {
      config: { access: 'vm.read' },
      schema: {
        tags,
        summary: 'Its snapshots',
        params: IdParams,
        querystring: PageQuery,
        response: answers(200, pageOf(Snapshot)),
      },
    },
    async ({ vm, query }) => toPage(await vms.snapshots(vm!, query), showSnapshot),
  );

  app.post(
    '/vms/:id/snapshots',
    {
      config: { access: 'vm.use', limit: 'creates', idempotent: true },
      schema: {
        tags,
        summary: 'Keep it as it is now',
        params: IdParams,
        headers: IdempotencyHeaders,
        body: Body({ name: Type.String({ pattern: '^[\\w][\\w .-]{0,62}$' }) }),
        response: answers(201, Snapshot),
      },
    },
    async ({ vm, body }, reply) => reply.code(201).send(showSnapshot(await vms.snapshot(vm!, body.name))),
  );

  app.get(
    '/vms/:id/snapshots/:snapshot',
    {
      config: { access: 'vm.read' },
      schema: { tags, summary: 'A snapshot', params: Params, response: answers(200, Snapshot) },
    },
    async ({ vm, params }) => showSnapshot(await vms.getSnapshot(vm!, params.snapshot)),
  );

  app.post(
    '/vms/:id/snapshots/:snapshot/restore',
    {
      config: { access: 'vm.reset' },
      schema: {
        tags,
        summary: 'Go back to it',
        params: Params,
        body: Body({}),
        response: answers(200, Vm),
      },
    },
    async ({ vm, params }) => showVm(await vms.restore(vm!, params.snapshot)),
  );

  app.delete(
    '/vms/:id/snapshots/:snapshot',
    {
      config: { access: 'vm.use' },
      schema: { tags, summary: 'Forget it', params: Params, response: NOTHING },
    },
    async ({ vm, params }, reply) => {
      await vms.removeSnapshot(vm!, params.snapshot);
      return reply.code(204).send(null);
    },
  );
}
