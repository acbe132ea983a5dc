/** One field of an entity, said once: from it come the column, the check of what a client sends, and the row's type. */
export interface Field<Value = unknown> {
  /** The column's type and its constraints, without its name. */
  column: string;
  /** JSON Schema of what a client may send. */
  schema: Readonly<Record<string, unknown>>;
  required: boolean;
  /** Table whose row of the same tenant it names. */
  references?: string;
  /** Kept in the database only: not in answers, not in events. */
  hidden?: boolean;
  readonly __value?: Value;
}

/** What a row's field is in the program. */
export type ValueOf<F> = F extends Field<infer Value> ? Value : never;

const LONGEST_TEXT = 20_000;

export function text(maxLength = 200): Field<string> {
  return { column: 'text NOT NULL', schema: { type: 'string', minLength: 1, maxLength }, required: true };
}

export function longText(): Field<string> {
  return { column: `text NOT NULL DEFAULT ''`, schema: { type: 'string', maxLength: LONGEST_TEXT }, required: false };
}

/** One of a few words; the first is what a new row has. */
export function choice<const Choice extends string>(...choices: [Choice, ...Choice[]]): Field<Choice> {
  return { column: `text NOT NULL DEFAULT '${choices[0]}'`, schema: { enum: choices }, required: false };
}

export function integer(minimum: number, maximum: number, initial: number): Field<number> {
  return {
    column: `integer NOT NULL DEFAULT ${initial}`,
    schema: { type: 'integer', minimum, maximum },
    required: false,
  };
}

/** A row of another table, of the same tenant. */
export function reference(table: string): Field<number> {
  return { column: 'integer NOT NULL', schema: { type: 'integer', minimum: 1 }, required: true, references: table };
}

/** Ids of users; not kept in step with the table of users, as an assignment outlives who was assigned. */
export function userIds(): Field<number[]> {
  return {
    column: `jsonb NOT NULL DEFAULT '[]'`,
    schema: { type: 'array', maxItems: 500, items: { type: 'integer', minimum: 1 } },
    required: false,
  };
}

export function date(): Field<Date> {
  return { column: 'timestamptz NOT NULL', schema: { type: 'string', format: 'date-time' }, required: true };
}

/** The field may be absent or null. */
export function optional<Value>(field: Field<Value>): Field<Value | null> {
  const { column, schema, ...rest } = field;
  const nullable = column.replace(/ NOT NULL.*$/, '');
  return { ...rest, column: nullable, schema: { anyOf: [schema, { type: 'null' }] }, required: false };
}

export function hidden<Value>(field: Field<Value>): Field<Value> {
  return { ...field, hidden: true };
}
