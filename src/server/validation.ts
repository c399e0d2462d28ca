/**
 * How requests are checked against their schemas. Always true: a body is taken as it is (a number in quotes is no number, and
 * what the schema does not name is refused; none at all is an empty object); query and path are text, and become what the schema
 * says where the text says exactly that; what is left out is the schema's default.
 */
import type { FastifySchemaCompiler } from 'fastify';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';

const NUMBER = /^-?\d{1,15}(\.\d{1,15})?$/;

/** The value that a text stands for; the text itself where it stands for none of that type. */
function fromText(type: unknown, text: unknown): unknown {
  if (typeof text !== 'string') return text;
  if ((type === 'integer' || type === 'number') && NUMBER.test(text)) return Number(text);
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}

type Properties = Record<string, { type?: unknown; default?: unknown }>;
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !Buffer.isBuffer(value);

function filled(schema: TSchema, given: unknown, textual: boolean): unknown {
  const { properties } = schema as { properties?: Properties };
  if (properties === undefined || !isObject(given)) return given;
  const value: Record<string, unknown> = {};
  for (const name of Object.keys(given))
    value[name] =
      textual && Object.hasOwn(properties, name) ? fromText(properties[name].type, given[name]) : given[name];
  for (const [name, property] of Object.entries(properties))
    if (!Object.hasOwn(value, name) && property.default !== undefined) value[name] = property.default;
  return value;
}

/** Fastify's validator compiler over TypeBox. */
export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const check = Compile(schema);
  const textual = httpPart === 'querystring' || httpPart === 'params';
  return (given: unknown) => {
    const value = httpPart === 'headers' ? given : filled(schema, given ?? {}, textual);
    if (check.Check(value)) return { value };
    return { error: Object.assign(new Error('invalid'), { validation: check.Errors(value) }) };
  };
};
