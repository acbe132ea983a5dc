import pino from 'pino';
import { isError } from '../errors/thrown.ts';

const REDACTED = '[redacted]';
/** Deeper than this a log line is no longer read by anybody. */
const MAX_DEPTH = 8;

/** `parameters` are those of a failed SQL statement: a secret is stored through one. */
const SECRET_NAME =
  /^(parameters|.*(authorization|cookie|password|passwd|secret|token|api[-_]?key|private[-_]?key|signing[-_]?key|credential|signature)s?)$/i;
/** Words that contain a secret's name and are none. */
const HARMLESS_NAME = /^(secretsSet|secretNames|tokenId|tokenType|secretKeyIds)$/;

/** `scheme://user:password@host` as errors of drivers show it. */
const URL_CREDENTIALS = /\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@:]*:[^\s/@]*@/gi;
/** A JSON web token, wherever it stands. */
const TOKEN = /\beyJ[\w-]+\.[\w-]+\.[\w-]*/g;
const BEARER = /\b(Bearer)\s+[\w.~+/-]+=*/gi;

/** The part of a webhook's URL that opens its door. */
const ENDPOINT_TOKEN = /\bwhk_[\w-]+/g;

/** The text without passwords in URLs and without tokens. */
export function redactText(value: string): string {
  if (!/:\/\/|eyJ|whk_|bearer/i.test(value)) return value;
  return value
    .replace(URL_CREDENTIALS, `$1${REDACTED}@`)
    .replace(TOKEN, REDACTED)
    .replace(ENDPOINT_TOKEN, REDACTED)
    .replace(BEARER, `$1 ${REDACTED}`);
}

/** A copy fit for a log: secrets by name are hidden at every depth, every value of a `config` too, and errors are plain. */
export function redacted(value: object): Record<string, unknown> {
  return copyOf(value, new Set(), 0) as Record<string, unknown>;
}

function copyOf(value: unknown, above: Set<object>, depth: number): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Date) return value;
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (above.has(value)) return '[circular]';
  if (depth > MAX_DEPTH) return '[deeper]';
  above.add(value);
  try {
    if (isError(value)) return fieldsOf(pino.stdSerializers.err(value), above, depth);
    if (Array.isArray(value)) return value.map((item) => copyOf(item, above, depth + 1));
    if (value instanceof URL) return redactText(value.href);
    return fieldsOf(value, above, depth);
  } finally {
    above.delete(value);
  }
}

function fieldsOf(value: object, above: Set<object>, depth: number): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(value) as [string, unknown][]) {
    if (field === undefined) continue;
    if (SECRET_NAME.test(name) && !HARMLESS_NAME.test(name)) copy[name] = REDACTED;
    else if (name === 'config' && typeof field === 'object' && field !== null)
      copy[name] = Object.fromEntries(Object.keys(field).map((key) => [key, REDACTED]));
    else copy[name] = copyOf(field, above, depth + 1);
  }
  return copy;
}
