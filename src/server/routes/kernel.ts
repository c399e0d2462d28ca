/**
 * The kernel of a machine, looked at while it runs. Always true: looking changes nothing in it; every answer fits the schema that the
 * vm room declares for it.
 */
import { type TSchema, Type } from 'typebox';
import type { InspectPart } from '../../host/types.ts';
import {
  IdentityView,
  inspectParts,
  type LogView,
  ModuleView,
  ProcessView,
  SymbolView,
} from '../../vm/inspect-schema.ts';
import type { App } from '../context.ts';
import { Problem, type ProblemKind } from '../problem.ts';
import { answers, IdParams } from '../schema.ts';

const tags = ['kernel'];
const config = { access: 'vm.read' } as const;
/** What inspect answers fits its schema already, and symbol tables are long. */
const serializerCompiler = () => JSON.stringify;

interface Symbols {
  address: string;
  type: string;
  name: string;
  module: string | null;
}

export async function kernelRoutes(app: App): Promise<void> {
  const { host } = app;
  const part = (path: string, name: InspectPart, summary: string, schema: TSchema) =>
    app.get(
      path,
      {
        config,
        serializerCompiler,
        schema: { tags, summary, params: IdParams, response: answers(200, schema) },
      },
      async ({ vm }) => host.inspect(vm!.id, name),
    );
  const keyed = (
    name: InspectPart,
    key: string,
    pattern: string,
    missing: ProblemKind,
    summary: string,
    schema: TSchema,
  ) =>
    app.get(
      `/vms/:id/kernel/${name}/:${key}`,
      {
        config,
        serializerCompiler,
        schema: {
          tags,
          summary,
          params: Type.Object({ ...IdParams.properties, [key]: Type.String({ pattern, maxLength: 64 }) }),
          response: answers(200, schema),
        },
      },
      async ({ vm, params }) => {
        const found = await host.inspect(vm!.id, name, (params as Record<string, string>)[key]);
        if (found === null || found === undefined) throw new Problem(missing);
        return found;
      },
    );

  part('/vms/:id/kernel', 'summary', 'What the kernel is and how it is', IdentityView);
  part('/vms/:id/kernel/modules', 'modules', 'Loaded modules', inspectParts.modules);
  keyed(
    'modules',
    'name',
    '^[\\w-]+$',
    'no-such-module',
    'A module with everything it holds: memory, devices, files, timers, threads',
    ModuleView,
  );
  part(
    '/vms/:id/kernel/devices',
    'devices',
    'The device tree, and what modules left in it',
    inspectParts.devices,
  );
  part('/vms/:id/kernel/processes', 'processes', 'Processes', inspectParts.processes);
  keyed(
    'processes',
    'pid',
    '^\\d{1,9}$',
    'no-such-process',
    'A process with its threads, kernel stacks, files and memory',
    ProcessView,
  );
  part('/vms/:id/kernel/memory', 'memory', 'Memory: caches, allocations, leaks, misuse', inspectParts.memory);
  part(
    '/vms/:id/kernel/oopses',
    'oopses',
    'Oopses, BUGs, warnings and panics, taken apart',
    inspectParts.oopses,
  );
  part('/vms/:id/kernel/mounts', 'mounts', 'Mounted filesystems', inspectParts.mounts);

  app.get(
    '/vms/:id/kernel/log',
    {
      config,
      serializerCompiler,
      schema: {
        tags,
        summary: 'The kernel log',
        params: IdParams,
        querystring: Type.Object({
          since: Type.Optional(
            Type.Integer({ minimum: 0, description: 'only records of this sequence and later' }),
          ),
          level: Type.Optional(
            Type.Integer({ minimum: 0, maximum: 7, description: 'only records this important or more' }),
          ),
        }),
        response: answers(200, inspectParts.log),
      },
    },
    async ({ vm, query: { since = 0, level = 7 } }) => {
      const records = (await host.inspect(vm!.id, 'log')) as LogView[];
      return records.filter((record) => record.sequence >= since && record.level <= level);
    },
  );

  app.get(
    '/vms/:id/kernel/symbols',
    {
      config,
      serializerCompiler,
      schema: {
        tags,
        summary: 'The symbol table: /proc/kallsyms',
        params: IdParams,
        querystring: Type.Object({
          name: Type.Optional(Type.String({ maxLength: 128, description: 'part of the name' })),
          module: Type.Optional(Type.String({ maxLength: 64 })),
        }),
        response: answers(200, Type.Array(SymbolView)),
      },
    },
    async ({ vm, query: { name, module } }) => {
      const symbols = (await host.inspect(vm!.id, 'symbols')) as Symbols[];
      return symbols.filter(
        (symbol) =>
          (name === undefined || symbol.name.includes(name)) &&
          (module === undefined || symbol.module === module),
      );
    },
  );
}
