/** Pieces that the schemas of several resources share. */
import type { TObjectOptions, TSchema, TSchemaOptions } from 'typebox';
import { Type } from 'typebox';
import type { Page } from '../lab/types.ts';
import { ProblemDocument } from './problem.ts';

/** Values out of a fixed list. */
export const oneOf = <const T extends readonly string[]>(values: T, options: TSchemaOptions = {}) =>
  Type.Unsafe<T[number]>({ type: 'string', enum: [...values], ...options });

export const orNull = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

/** Path parameters of everything below a resource with an id. */
export const IdParams = Type.Object({ id: Type.String({ minLength: 1, maxLength: 64 }) });

/** Query of a list. */
export const pageQuery = {
  cursor: Type.Optional(Type.String({ maxLength: 512, description: '`next` of the page before' })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 50 })),
};
export const PageQuery = Type.Object(pageQuery);

/** Answer of a list. */
export const pageOf = <T extends TSchema>(item: T) =>
  Type.Object({
    items: Type.Array(item),
    nextCursor: orNull(Type.String({ description: 'for `cursor` of the next call; null: this is the end' })),
  });

/** A page of the lab as the API shows it. */
export const toPage = <T, U>(
  page: Page<T>,
  show: (item: T) => U,
): { items: U[]; nextCursor: string | null } => ({
  items: page.items.map(show),
  nextCursor: page.next,
});

/** Answers of a route: the good one, and problems for all others. */
export const answers = <S extends number, T extends TSchema>(status: S, schema: T) =>
  ({ [status]: schema, '4xx': ProblemDocument, '5xx': ProblemDocument }) as {
    [K in S]: T;
  } & { '4xx': typeof ProblemDocument; '5xx': typeof ProblemDocument };

/** Nothing to say: 204. */
export const NOTHING = { 204: Type.Null(), '4xx': ProblemDocument, '5xx': ProblemDocument } as const;

/** Header of creating calls. */
export const IdempotencyHeaders = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({ description: 'repeats with the same key are answered with the first answer' }),
  ),
});

export const WindowSize = Type.Object({
  rows: Type.Integer({ minimum: 1, maximum: 500 }),
  cols: Type.Integer({ minimum: 1, maximum: 1000 }),
});

/** A body: what it does not name is refused. */
export const Body = <T extends Record<string, TSchema>>(properties: T, options: TObjectOptions = {}) =>
  Type.Object(properties, { additionalProperties: false, ...options });
