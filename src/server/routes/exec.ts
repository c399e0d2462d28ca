/** One command in a machine, with everything it did: output, exit, kernel log, what changed in the kernel. */
import { Type } from 'typebox';
import type { App } from '../context.ts';
import { Problem } from '../problem.ts';
import { answers, Body, IdempotencyHeaders, IdParams, oneOf, orNull } from '../schema.ts';
import { HEALTH } from '../vm-schema.ts';

/** Whose account a machine's user works in. */
export const LOGIN_USER = 'student';
/** A user's name as useradd takes it. */
export const UserName = Type.String({ pattern: '^[a-z_][a-z0-9_-]{0,31}$' });

const DEFAULT_INSTRUCTIONS = 100e9;
const DEFAULT_SECONDS = 300;
const DEFAULT_OUTPUT = 1 << 20;
const Argument = Type.String({ maxLength: 131_071, pattern: '^[^\\0]*$' });
const names = Type.Array(Type.String());

const ExecBody = Body({
  argv: Type.Optional(Type.Array(Argument, { minItems: 1, maxItems: 4096 })),
  command: Type.Optional(
    Type.String({ minLength: 1, maxLength: 131_071, pattern: '^[^\\0]*$', description: 'given to bash -c' }),
  ),
  user: Type.Optional(UserName),
  cwd: Type.Optional(Type.String({ pattern: '^/[^\\0]*$', maxLength: 4095 })),
  env: Type.Optional(
    Type.Record(Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]*$' }), Argument, {
      additionalProperties: false,
    }),
  ),
  stdin: Type.Optional(Type.String()),
  encoding: oneOf(['utf-8', 'base64'], {
    default: 'utf-8',
    description: 'of stdin, stdout and stderr; bytes that are no UTF-8 come as U+FFFD unless it is base64',
  }),
  budget: Type.Optional(
    Body({
      instructions: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000e9 })),
      virtualSeconds: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 86_400 })),
      outputBytes: Type.Optional(
        Type.Integer({ minimum: 0, maximum: 16 << 20, description: 'of stdout and stderr each' }),
      ),
    }),
  ),
});

const ExecAnswer = Type.Object({
  outcome: oneOf(['exited', 'budget', 'halted'], {
    description: 'budget: it was killed for using it up; halted: the machine stopped under it',
  }),
  exitCode: orNull(Type.Integer()),
  signal: orNull(Type.String({ examples: ['SIGSEGV'] })),
  stdout: Type.String(),
  stderr: Type.String(),
  truncated: Type.Object({ stdout: Type.Boolean(), stderr: Type.Boolean(), kernelLog: Type.Boolean() }),
  instructions: Type.Number(),
  virtualSeconds: Type.Number(),
  kernelLog: Type.Array(Type.Object({ level: Type.Integer(), timeNs: Type.Number(), text: Type.String() }), {
    description: 'lines that were added meanwhile',
  }),
  kernel: Type.Object({
    modulesAdded: names,
    modulesRemoved: names,
    devicesAdded: names,
    devicesRemoved: names,
    taintBefore: Type.Integer(),
    taintAfter: Type.Integer(),
    oopses: Type.Integer(),
    health: oneOf(HEALTH),
  }),
});

const BASE64 = /^(?:[A-Za-z\d+/]{4})*(?:[A-Za-z\d+/]{2}==|[A-Za-z\d+/]{3}=)?$/;

const fault = (field: string, message: string): Problem =>
  new Problem('invalid-request', undefined, { errors: [{ in: 'body', field, message }] });

function stdinBytes(text: string | undefined, encoding: string): Uint8Array | undefined {
  if (text === undefined) return undefined;
  if (encoding === 'base64' && !BASE64.test(text)) throw fault('stdin', 'is not base64');
  return Buffer.from(text, encoding === 'base64' ? 'base64' : 'utf8');
}

export async function execRoutes(app: App): Promise<void> {
  app.post(
    '/vms/:id/exec',
    {
      bodyLimit: 8 * app.limits.bodyBytes,
      config: { access: 'vm.use', idempotent: true },
      schema: {
        tags: ['exec'],
        summary: 'Run a command and wait for its end; a spent budget is an answer',
        params: IdParams,
        headers: IdempotencyHeaders,
        body: ExecBody,
        response: answers(200, ExecAnswer),
      },
    },
    async ({ vm, body }) => {
      const { argv, command, encoding, budget = {} } = body;
      if ((argv === undefined) === (command === undefined))
        throw fault(argv === undefined ? 'argv' : 'command', 'give either argv or command');
      const text = (bytes: Uint8Array) =>
        Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(
          encoding === 'base64' ? 'base64' : 'utf8',
        );
      const result = await app.host.exec(vm!.id, {
        argv: argv ?? ['/bin/bash', '-c', command!],
        user: body.user ?? LOGIN_USER,
        cwd: body.cwd,
        env: body.env,
        stdin: stdinBytes(body.stdin, encoding),
        budget: {
          instructions: budget.instructions ?? DEFAULT_INSTRUCTIONS,
          virtualSeconds: budget.virtualSeconds ?? DEFAULT_SECONDS,
          outputBytes: budget.outputBytes ?? DEFAULT_OUTPUT,
        },
      });
      return { ...result, stdout: text(result.stdout), stderr: text(result.stderr) };
    },
  );
}
