/**
 * The Prisma schema and a database's catalogue in one form, to be compared. Always true: everything of the schema's language that
 * our schema uses is understood, and what is not understood throws.
 */

/** Columns as `name type null default`, constraints and indexes as sentences; sorted. */
export type Shape = string[];

const SCALARS: Record<string, string> = {
  String: 'text',
  Int: 'int4',
  BigInt: 'int8',
  Boolean: 'bool',
  Json: 'jsonb',
  Bytes: 'bytea',
};
const NATIVE: Record<string, string> = { '@db.Uuid': 'uuid', '@db.Timestamptz(3)': 'timestamptz' };
const ACTIONS: Record<string, string> = { Cascade: 'c', Restrict: 'r', SetNull: 'n' };

const list = (text: string) =>
  text
    .split(',')
    .map((one) => one.trim())
    .join(', ');
const option = (attribute: string, name: string) =>
  new RegExp(`${name}: \\[([^\\]]*)\\]`).exec(attribute)?.[1];

/** The shape that a schema declares. */
export function schemaShape(schema: string): Shape {
  const shape: Shape = [];
  const text = schema.replace(/\/\/.*$/gm, '');
  const blocks = [...text.matchAll(/^(model|enum) (\w+) \{([\s\S]*?)^\}/gm)];
  const enums = new Set(blocks.filter(([, kind]) => kind === 'enum').map(([, , name]) => name));
  const models = new Set(blocks.filter(([, kind]) => kind === 'model').map(([, , name]) => name));
  for (const [, kind, name, body] of blocks) {
    const lines = body
      .split('\n')
      .map((line) => line.trim())
      .filter(Boolean);
    if (kind === 'enum') shape.push(`enum ${name}: ${lines.join(', ')}`);
    else for (const line of lines) shape.push(...modelLine(name, line, enums, models));
  }
  return shape.sort();
}

function modelLine(model: string, line: string, enums: Set<string>, models: Set<string>): string[] {
  const block = /^@@(id|unique|index)\(\[([^\]]*)\]\)$/.exec(line);
  if (block) return [`${block[1]} ${model}(${list(block[2])})`];
  const field = /^(\w+)\s+(\w+)(\[\]|\?)?\s*(.*)$/.exec(line);
  if (!field) throw new Error(`not understood: ${line}`);
  const [, name, type, arity, attributes] = field;
  if (models.has(type)) {
    const relation = /@relation\((.*)\)$/.exec(attributes)?.[1];
    if (relation === undefined) return [];
    const action = ACTIONS[/onDelete: (\w+)/.exec(relation)?.[1] ?? ''];
    return [
      `foreign ${model}(${option(relation, 'fields')}) ${type}(${option(relation, 'references')}) ${action}`,
    ];
  }
  const native = /@db\.\w+(\(\d+\))?/.exec(attributes)?.[0];
  const base = enums.has(type) ? type : native ? NATIVE[native] : SCALARS[type];
  if (base === undefined) throw new Error(`not understood: ${line}`);
  const preset = /@default\((.*)\)/.exec(attributes.replace(/@db\.\w+(\(\d+\))?/, '').trim())?.[1];
  const initial =
    preset === undefined
      ? ''
      : ` = ${preset === 'now()' ? 'CURRENT_TIMESTAMP' : preset.replace(/^"(.*)"$/, "'$1'")}`;
  const column = `column ${model}.${name} ${arity === '[]' ? `_${base}` : base}${arity === '?' ? '' : arity === '[]' ? '' : ' not null'}${initial}`;
  const more = /@(id|unique)\b/.exec(attributes)?.[1];
  return more === undefined ? [column] : [column, `${more} ${model}(${name})`];
}

type Query = (sql: string) => Promise<Record<string, unknown>[]>;

/** The shape that a database has. */
export async function databaseShape(query: Query): Promise<Shape> {
  const shape: Shape = [];
  const rows = async (sql: string) => shape.push(...(await query(sql)).map((row) => String(row.line)));
  await rows(`
    SELECT format('enum %s: %s', t.typname, string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder)) AS line
    FROM pg_type t JOIN pg_enum e ON e.enumtypid = t.oid GROUP BY t.typname`);
  await rows(`
    SELECT format('column %s.%s %s%s%s', table_name, column_name, udt_name,
      CASE WHEN is_nullable = 'NO' THEN ' not null' ELSE '' END,
      ' = ' || regexp_replace(column_default, '::\\w+$', '')) AS line
    FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> '_prisma_migrations'`);
  await rows(`
    SELECT format('%s %s(%s)',
      CASE WHEN i.indisprimary THEN 'id' WHEN i.indisunique THEN 'unique' ELSE 'index' END, c.relname,
      (SELECT string_agg(a.attname, ', ' ORDER BY k.n) FROM unnest(i.indkey) WITH ORDINALITY AS k(attnum, n)
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum)) AS line
    FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace s ON s.oid = c.relnamespace
    WHERE s.nspname = 'public' AND c.relname <> '_prisma_migrations'`);
  await rows(`
    SELECT format('foreign %s(%s) %s(%s) %s', c.relname, a.attname, r.relname, b.attname, f.confdeltype) AS line
    FROM pg_constraint f JOIN pg_class c ON c.oid = f.conrelid JOIN pg_class r ON r.oid = f.confrelid
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = f.conkey[1]
    JOIN pg_attribute b ON b.attrelid = r.oid AND b.attnum = f.confkey[1]
    WHERE f.contype = 'f'`);
  return shape.sort();
}
