import type { Surface } from '@verifywise/contracts';
import type { FromIsolate, LogLevel, WireError } from '../isolate/protocol.ts';

const LEVELS: ReadonlySet<unknown> = new Set<LogLevel>(['debug', 'info', 'warn', 'error']);

/** What came over an isolate's channel, if it is a message of the protocol; a plugin can send anything there. */
export function readMessage(said: unknown): FromIsolate | undefined {
  if (!isRecord(said)) return undefined;
  switch (said.kind) {
    case 'answer':
      if (!isId(said.id) || (said.error !== undefined && !isError(said.error))) return undefined;
      return said as FromIsolate;
    case 'call':
      return isId(said.id) && typeof said.call === 'string' ? (said as FromIsolate) : undefined;
    case 'log':
      return LEVELS.has(said.level) && typeof said.message === 'string' ? (said as FromIsolate) : undefined;
    case 'surface':
      return isSurface(said.surface) ? (said as FromIsolate) : undefined;
    case 'unhandled':
      return isError(said.error) ? (said as FromIsolate) : undefined;
    default:
      return undefined;
  }
}

/** Whether a value is a surface, as far as the runner relies on it. */
export function isSurface(value: unknown): value is Surface {
  if (!isRecord(value)) return false;
  const { events, filters, middleware, routes, jobs, webhooks, widgets, pages } = value;
  return (
    [events, routes, jobs].every(isStrings) &&
    [filters, middleware, webhooks].every(isRecords) &&
    // Each widget and page is looked at by itself, and left out alone.
    [widgets, pages].every((offered) => Array.isArray(offered))
  );
}

function isStrings(value: unknown): boolean {
  return Array.isArray(value) && value.every((word) => typeof word === 'string');
}

function isRecords(value: unknown): boolean {
  return Array.isArray(value) && value.every(isRecord);
}

/** Whether a value is an error as it crosses the channel. */
export function isError(value: unknown): value is WireError {
  return isRecord(value) && typeof value.message === 'string';
}

function isId(value: unknown): boolean {
  return Number.isSafeInteger(value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
