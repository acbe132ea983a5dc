import type { JsonSchema } from '../schemas/json-schema.ts';
import { compileSchema, issuesOf } from '../schemas/json-schema.ts';
import { readAs, textIn, wrong, type Reading, type Setting } from './read-settings.ts';

/** A setting from one variable; without a fallback it must be set. `parse` sees text that is not empty. */
function variable<T>(
  name: string,
  example: string,
  fallback: { value: T } | undefined,
  parse: (raw: string) => Reading<T>,
): Setting<T> {
  return {
    read(env) {
      const raw = textIn(env, name);
      if (raw !== undefined) return parse(raw);
      return fallback === undefined ? wrong(name, 'is missing', example) : readAs(fallback.value);
    },
  };
}

function fallbackOf<T>(value: T | undefined): { value: T } | undefined {
  return value === undefined ? undefined : { value };
}

/** Any text. */
export function text(name: string, fallback?: string, options: { example?: string } = {}): Setting<string> {
  return variable(name, options.example ?? fallback ?? 'some-text', fallbackOf(fallback), readAs);
}

/** Any text; undefined when it is not set. */
export function optionalText(name: string): Setting<string | undefined> {
  return variable<string | undefined>(name, 'some-text', { value: undefined }, readAs);
}

interface Range {
  min?: number;
  max?: number;
}

/** A whole number, within `min` and `max` when given. */
export function integer(name: string, fallback?: number, range: Range = {}): Setting<number> {
  const read = (raw: string) => (/^[+-]?\d+$/.test(raw) ? Number(raw) : Number.NaN);
  return numeric(name, 'a whole number', read, fallback, range);
}

/** A number that may have a fraction, within `min` and `max` when given. */
export function decimal(name: string, fallback?: number, range: Range = {}): Setting<number> {
  const read = (raw: string) => (/^[+-]?\d+(\.\d+)?$/.test(raw) ? Number(raw) : Number.NaN);
  return numeric(name, 'a number', read, fallback, range);
}

/** Bounded by what a number holds exactly, where nothing narrower is said. */
function numeric(
  name: string,
  kind: string,
  read: (raw: string) => number,
  fallback: number | undefined,
  { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER }: Range,
): Setting<number> {
  const example = String(fallback ?? Math.max(min, 1));
  return variable(name, example, fallbackOf(fallback), (raw) => {
    const value = read(raw);
    if (value >= min && value <= max) return readAs(value);
    return wrong(name, `must be ${kind}${rangeText(min, max)}, not "${raw}"`, example);
  });
}

function rangeText(min: number, max: number): string {
  const low = min > Number.MIN_SAFE_INTEGER;
  const high = max < Number.MAX_SAFE_INTEGER;
  if (low && high) return ` from ${min} to ${max}`;
  if (low) return ` of at least ${min}`;
  return high ? ` of at most ${max}` : '';
}

/** `true` or `false`. */
export function flag(name: string, fallback: boolean): Setting<boolean> {
  return variable(name, String(fallback), { value: fallback }, (raw) => {
    if (raw === 'true' || raw === '1') return readAs(true);
    if (raw === 'false' || raw === '0') return readAs(false);
    return wrong(name, `must be true or false, not "${raw}"`, String(fallback));
  });
}

/** One of a few words. */
export function oneOf<T extends string>(name: string, choices: readonly T[], fallback?: T): Setting<T> {
  const example = fallback ?? choices[0] ?? '';
  return variable(name, example, fallbackOf(fallback), (raw) => {
    const chosen = choices.find((choice) => choice === raw);
    return chosen === undefined
      ? wrong(name, `must be one of ${choices.join(', ')}, not "${raw}"`, example)
      : readAs(chosen);
  });
}

export interface UrlOptions {
  /** Allowed schemes without the colon; http and https unless said. */
  schemes?: readonly string[];
  example?: string;
}

/** An absolute URL, as text; without the slash at its end. Its problems do not show it, because it may hold a password. */
export function url(name: string, fallback?: string, options: UrlOptions = {}): Setting<string> {
  return variable(name, urlExample(fallback, options), fallbackOf(fallback), (raw) => parseUrl(name, raw, options));
}

/** The same, undefined when it is not set. */
export function optionalUrl(name: string, options: UrlOptions = {}): Setting<string | undefined> {
  return variable<string | undefined>(name, urlExample(undefined, options), { value: undefined }, (raw) =>
    parseUrl(name, raw, options),
  );
}

function urlExample(fallback: string | undefined, { example, schemes }: UrlOptions): string {
  return example ?? fallback ?? `${schemes?.[0] ?? 'https'}://example.com`;
}

function parseUrl(name: string, raw: string, options: UrlOptions): Reading<string> {
  const schemes = options.schemes ?? ['http', 'https'];
  const parsed = URL.parse(raw);
  if (parsed === null) return wrong(name, 'is not an absolute URL', urlExample(undefined, options));
  if (!schemes.includes(parsed.protocol.slice(0, -1)))
    return wrong(
      name,
      `must begin with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`,
      urlExample(undefined, options),
    );
  return readAs(raw.replace(/\/$/, ''));
}

/** A list separated by commas; empty when not set. */
export function list(name: string): Setting<string[]> {
  return variable<string[]>(name, 'one,two', { value: [] }, (raw) =>
    readAs(
      raw
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== ''),
    ),
  );
}

/** JSON that fits a schema. Its problems name the place, never the value. */
export function json<T>(name: string, schema: JsonSchema, fallback?: T): Setting<T> {
  const check = compileSchema(schema);
  const example = fallback === undefined ? '{}' : JSON.stringify(fallback);
  return variable(name, example, fallbackOf(fallback), (raw) => {
    let value: unknown;
    try {
      value = JSON.parse(raw);
    } catch {
      return wrong(name, 'is not JSON', example);
    }
    if (check(value)) return readAs(value as T);
    const issues = issuesOf(check.errors, name).map(({ path, message }) => `${path} ${message}`);
    return wrong(name, `does not have the right shape (${issues.join(', ')})`, example);
  });
}
