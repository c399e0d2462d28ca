/** Machines: make, list, look, change, delete; start, stop, reboot, rebuild, fork. */
import { Type } from 'typebox';
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
import { QuotaChange, showVm, Vm, VmName } from '../vm-schema.ts';

const tags = ['machines'];
const Kernel = Type.Optional(
  Type.String({
    maxLength: 64,
    description: "one of the image's kernel releases; default: the image's first",
  }),
);
const HowBody = Body({
  type: oneOf(['soft', 'hard'], {
    default: 'soft',
    description: 'soft: as an administrator would, from inside; hard: the power is cut',
  }),
});

export async function vmRoutes(app: App): Promise<void> {
  const { lab, host } = app;

  app.get(
    '/vms',
    {
      config: { access: 'vm.list' },
      schema: {
        tags,
        summary: 'The VMs that you may see',
        querystring: Type.Object({
          ...pageQuery,
          course: Type.Optional(Type.String({ maxLength: 64, description: 'id or slug' })),
          owner: Type.Optional(Type.String({ maxLength: 64, description: 'id or login' })),
          name: Type.Optional(Type.String({ maxLength: 64 })),
          address: Type.Optional(Type.String({ maxLength: 64 })),
        }),
        response: answers(200, pageOf(Vm)),
      },
    },
    async (request) => toPage(await lab.vms.list(request.principal!, request.query), showVm),
  );

  app.post(
    '/vms',
    {
      config: { access: { action: 'vm.create', of: 'body' }, limit: 'creates', idempotent: true },
      schema: {
        tags,
        summary: 'Make a VM and boot it',
        headers: IdempotencyHeaders,
        body: Body({
          course: Type.String({ minLength: 1, maxLength: 64, description: 'id or slug' }),
          name: VmName,
          owner: Type.Optional(Type.String({ maxLength: 64, description: 'id or login; default: you' })),
          image: Type.Optional(Type.String({ maxLength: 128 })),
          kernel: Kernel,
          deterministic: Type.Optional(
            Type.Boolean({ description: 'its clock is derived from instructions: for grading' }),
          ),
          quotas: Type.Optional(QuotaChange),
        }),
        response: answers(201, Vm),
      },
    },
    async (request, reply) => {
      const vm = await lab.vms.create(request.principal!, request.body);
      return reply.code(201).header('location', `/api/v1/vms/${vm.id}`).send(showVm(vm));
    },
  );

  app.get(
    '/vms/:id',
    {
      config: { access: 'vm.read' },
      schema: { tags, summary: 'A VM', params: IdParams, response: answers(200, Vm) },
    },
    async (request) => showVm(await lab.vms.view(request.vm!)),
  );

  app.patch(
    '/vms/:id',
    {
      config: { access: 'vm.reset' },
      schema: {
        tags,
        summary: "Change a VM's name, its kernel for the next boot, or (instructors) its quotas",
        params: IdParams,
        body: Body({ name: Type.Optional(VmName), kernel: Kernel, quotas: Type.Optional(QuotaChange) }),
        response: answers(200, Vm),
      },
    },
    async (request) => {
      if (request.body.quotas !== undefined)
        await lab.authorizeVm(request.principal!, 'vm.quotas', request.vm!.id);
      return showVm(await lab.vms.update(request.principal!, request.vm!, request.body));
    },
  );

  app.delete(
    '/vms/:id',
    {
      config: { access: 'vm.delete' },
      schema: { tags, summary: 'Delete a VM and everything on it', params: IdParams, response: NOTHING },
    },
    async (request, reply) => {
      await lab.vms.remove(request.vm!);
      return reply.code(204).send(null);
    },
  );

  app.post(
    '/vms/:id/start',
    {
      config: { access: 'vm.use' },
      schema: { tags, summary: 'Switch it on', params: IdParams, body: Body({}), response: answers(200, Vm) },
    },
    async ({ vm }) => {
      await host.start(vm!.id);
      return showVm(await lab.vms.view(vm!));
    },
  );

  for (const action of ['stop', 'reboot'] as const)
    app.post(
      `/vms/:id/${action}`,
      {
        config: { access: 'vm.use' },
        schema: {
          tags,
          summary: action === 'stop' ? 'Switch it off' : 'Restart it: a new kernel over the same disk',
          params: IdParams,
          body: HowBody,
          response: answers(200, Vm),
        },
      },
      async ({ vm, body }) => {
        await host[action](vm!.id, body.type);
        return showVm(await lab.vms.view(vm!));
      },
    );

  app.post(
    '/vms/:id/rebuild',
    {
      config: { access: 'vm.reset' },
      schema: {
        tags,
        summary: 'Throw its disk away and start from the image again',
        params: IdParams,
        body: Body({ kernel: Kernel }),
        response: answers(200, Vm),
      },
    },
    async ({ vm, body }) => showVm(await lab.vms.rebuild(vm!, body)),
  );

  app.post(
    '/vms/:id/fork',
    {
      config: { access: 'vm.fork', limit: 'creates', idempotent: true },
      schema: {
        tags,
        summary: 'A second VM, yours, that goes on from where this one stands, memory and all',
        params: IdParams,
        headers: IdempotencyHeaders,
        body: Body({ name: VmName, deterministic: Type.Optional(Type.Boolean()) }),
        response: answers(201, Vm),
      },
    },
    async (request, reply) => {
      const fork = await lab.vms.fork(request.principal!, request.vm!, request.body);
      return reply.code(201).header('location', `/api/v1/vms/${fork.id}`).send(showVm(fork));
    },
  );
}
