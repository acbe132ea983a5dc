import { PlatformError } from './errors.ts';

/** A whole path with parameters and a wildcard at its end (S:23.3), taken apart once and matched often. */
export interface RoutePattern {
  readonly segments: readonly PatternSegment[];
  /** Ends in `/*`: matches everything below, and the path itself. */
  readonly open: boolean;
}

type PatternSegment = { kind: 'text'; text: string } | { kind: 'parameter'; name: string };

/** Longer patterns match no path that anybody serves. */
const LONGEST_PATTERN = 1_000;
const PARAMETER = /^:[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * Reads `/api/users`, `/api/users/:id` or `/api/risks/*`. Throws MIDDLEWARE_INVALID for everything else: a query, a parameter without
 * a name, a name used twice, a wildcard in the middle, empty segments, broken percent encoding.
 */
export function readPattern(pattern: unknown): RoutePattern {
  if (typeof pattern !== 'string' || !pattern.startsWith('/')) refuse(pattern, 'it must be a path that starts with /');
  if (pattern.length > LONGEST_PATTERN) refuse(pattern, `it is longer than ${LONGEST_PATTERN} characters`);
  if (/[?#\s\\]/.test(pattern)) refuse(pattern, 'a path has no query, no fragment and no spaces');
  const parts = pattern.replace(/\/$/, '').split('/').slice(1);
  const open = parts.at(-1) === '*';
  if (open) parts.pop();
  const segments = parts.map((part) => segmentOf(pattern, part));
  const names = segments.flatMap((segment) => (segment.kind === 'parameter' ? [segment.name] : []));
  if (new Set(names).size < names.length) refuse(pattern, 'two of its parameters have the same name');
  return { segments, open };
}

/**
 * The parameters when the path of `url` fits the pattern, else null. The whole path must fit; upper and lower case, a slash at the
 * end, percent encoding and the query make no difference. What `*` stands for is the parameter `0`. Takes time in proportion to the URL.
 */
export function matchPattern({ segments, open }: RoutePattern, url: string): Record<string, string> | null {
  const path = segmentsOf(url);
  if (open ? path.length < segments.length : path.length !== segments.length) return null;
  const found: [string, string][] = [];
  for (const [index, segment] of segments.entries()) {
    const value = path[index] ?? '';
    if (segment.kind === 'parameter') {
      if (value === '') return null;
      found.push([segment.name, value]);
    } else if (segment.text !== value.toLowerCase()) return null;
  }
  if (open) found.push(['0', path.slice(segments.length).join('/')]);
  return Object.fromEntries(found);
}

function segmentOf(pattern: string, part: string): PatternSegment {
  if (part === '') refuse(pattern, 'two slashes follow each other');
  if (part.startsWith(':')) {
    if (!PARAMETER.test(part)) refuse(pattern, 'a parameter is a whole segment and needs a name: /api/users/:id');
    return { kind: 'parameter', name: part.slice(1) };
  }
  if (/[:*]/.test(part)) refuse(pattern, '* stands only at the end, as a whole segment, and : only before a name');
  const text = decoded(part);
  if (text === null) refuse(pattern, 'its percent encoding is broken');
  return { kind: 'text', text: text.toLowerCase() };
}

function segmentsOf(url: string): string[] {
  const path = /^(?:[a-z][a-z0-9+.-]*:\/\/[^/?#]*)?([^?#]*)/i.exec(url)?.[1] ?? '';
  return path
    .replace(/\/$/, '')
    .split('/')
    .slice(1)
    .map((segment) => decoded(segment) ?? segment);
}

function decoded(segment: string): string | null {
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    return null;
  }
}

function refuse(pattern: unknown, why: string): never {
  throw new PlatformError('MIDDLEWARE_INVALID', `The middleware pattern ${shown(pattern)} is no path: ${why}`);
}

function shown(pattern: unknown): string {
  return typeof pattern === 'string' ? JSON.stringify(pattern.slice(0, 100)) : `of type ${typeof pattern}`;
}
