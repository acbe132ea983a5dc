import type { ModelAttribute, ModelDataType } from '@verifywise/plugin-types';
import { ModelInvalidError } from '../../isolate/models/invalid.ts';
import { shown } from '../../isolate/models/names.ts';

/** DATE keeps milliseconds, as JavaScript does: a date that was read is found again. */
export const COLUMN_TYPES = {
  STRING: { type: 'varchar', length: '255' },
  TEXT: { type: 'text' },
  INTEGER: { type: 'integer' },
  BIGINT: { type: 'bigint' },
  FLOAT: { type: 'double precision' },
  DOUBLE: { type: 'double precision' },
  DECIMAL: { type: 'numeric' },
  BOOLEAN: { type: 'boolean' },
  DATE: { type: 'timestamp with time zone', precision: 3 },
  DATEONLY: { type: 'date' },
  JSON: { type: 'json' },
  JSONB: { type: 'jsonb' },
  UUID: { type: 'uuid' },
  ENUM: { type: 'text' },
} as const satisfies Record<ModelDataType, object>;

export function isJson(attribute: ModelAttribute | null | undefined): boolean {
  return attribute?.type === 'JSON' || attribute?.type === 'JSONB';
}

/** A value as it may be a parameter; PostgreSQL says what else is wrong with it. */
export function toDatabase(attribute: ModelAttribute | null, value: unknown, where: string): unknown {
  if (value === null || value === undefined) return null;
  if (isJson(attribute)) return JSON.stringify(value);
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw new ModelInvalidError(`${where} is no valid date`);
    return attribute?.type === 'DATEONLY' ? value.toISOString().slice(0, 10) : value.toISOString();
  }
  if (attribute?.type === 'DATE' && typeof value === 'number') {
    return toDatabase(attribute, new Date(value), where);
  }
  if (attribute?.type === 'DATEONLY' && typeof value === 'string') return value.slice(0, 10);
  if (typeof value === 'object') {
    throw new ModelInvalidError(`${where} is ${attribute?.type ?? 'no JSON'} and cannot be ${shown(value)}`);
  }
  return typeof value === 'bigint' ? String(value) : value;
}

/** A value as the plugin gets it, like Sequelize's: BIGINT and DECIMAL are text, DATE is a Date, DATEONLY is 'YYYY-MM-DD'. */
export function fromDatabase(attribute: ModelAttribute | null | undefined, value: unknown): unknown {
  if (attribute?.type === 'DATEONLY' && value instanceof Date) return value.toISOString().slice(0, 10);
  return value;
}

/** A default as SQL; definitions are checked before, and text is escaped whatever the session thinks of backslashes. */
export function defaultSql({ type, defaultValue }: ModelAttribute): string | undefined {
  if (defaultValue === undefined || defaultValue === null) return undefined;
  if (defaultValue === 'NOW' && type === 'DATE') return 'now()';
  if (defaultValue === 'NOW' && type === 'DATEONLY') return 'CURRENT_DATE';
  if (defaultValue === 'UUIDV4' && type === 'UUID') return 'gen_random_uuid()';
  const attribute = { type } as ModelAttribute;
  return literal(String(toDatabase(attribute, defaultValue, 'The default value')));
}

export function literal(text: string): string {
  return `E'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}
