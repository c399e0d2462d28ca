/**
 * How requests are checked against their schemas. Always true: a body is taken as it is (a number in quotes is no number, and
 * what the schema does not name is refused; none at all is an empty object); query and path are text, and become what the schema says.
 */
import type { FastifySchemaCompiler } from 'fastify';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import Value from 'typebox/value';

/** Fastify's validator compiler over TypeBox. */
export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const check = Compile(schema);
  return (given: unknown) => {
    if (httpPart === 'body') given ??= {};
    const textual = httpPart === 'querystring' || httpPart === 'params';
    const value = textual ? Value.Convert(schema, structuredClone(given)) : given;
    const full = Value.Default(schema, value);
    if (check.Check(full)) return { value: full };
    return { error: Object.assign(new Error('invalid'), { validation: check.Errors(full) }) };
  };
};
