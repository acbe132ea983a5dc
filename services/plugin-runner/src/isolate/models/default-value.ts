import type { ModelDataType } from '@verifywise/plugin-types';
import { ModelInvalidError, listed } from './invalid.ts';
import { shown } from './names.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** What may stand where a value of the type is expected, before PostgreSQL is asked. */
const FITS: Record<ModelDataType, (value: unknown) => boolean> = {
  STRING: isText,
  TEXT: isText,
  INTEGER: (value) => Number.isInteger(value),
  BIGINT: isWhole,
  FLOAT: (value) => typeof value === 'number',
  DOUBLE: (value) => typeof value === 'number',
  DECIMAL: (value) => typeof value === 'number' || (typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value)),
  BOOLEAN: (value) => typeof value === 'boolean',
  DATE: (value) => value === 'NOW' || isDate(value),
  DATEONLY: (value) => value === 'NOW' || isDate(value),
  JSON: isJson,
  JSONB: isJson,
  UUID: (value) => value === 'UUIDV4' || (typeof value === 'string' && UUID.test(value)),
  ENUM: isText,
};

export function checkDefault(where: string, type: ModelDataType, values: string[] | undefined, value: unknown): void {
  if (value === undefined || value === null) return;
  if (typeof value === 'function') {
    throw new ModelInvalidError(`${where} has a function as defaultValue, which cannot be kept; NOW and UUIDV4 can`);
  }
  if (!FITS[type](value)) {
    throw new ModelInvalidError(`${where} is ${type} and cannot have ${shown(value)} as defaultValue`);
  }
  if (values && !values.includes(value as string)) {
    throw new ModelInvalidError(`${where} has ${shown(value)} as defaultValue, which is none of ${listed(values)}`);
  }
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

function isWhole(value: unknown): boolean {
  return (
    typeof value === 'bigint' || Number.isSafeInteger(value) || (typeof value === 'string' && /^-?\d+$/.test(value))
  );
}

function isDate(value: unknown): boolean {
  return (typeof value === 'string' || value instanceof Date) && !Number.isNaN(new Date(value).getTime());
}

function isJson(value: unknown): boolean {
  try {
    return typeof JSON.stringify(value) === 'string';
  } catch {
    return false;
  }
}
