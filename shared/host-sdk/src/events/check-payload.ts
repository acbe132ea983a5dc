import { PlatformError } from '@verifywise/contracts';
import type { EventName } from '@verifywise/plugin-types';
import type { FieldKind } from './payload-fields.ts';
import { payloadFields } from './payload-fields.ts';

const kindsOf = payloadFields as Readonly<Record<string, Readonly<Record<string, string>> | undefined>>;

const isOfKind: Record<FieldKind, (value: unknown) => boolean> = {
  number: (value) => typeof value === 'number' && Number.isFinite(value),
  string: (value) => typeof value === 'string',
  object: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  numbers: (value) => Array.isArray(value) && value.every((one) => typeof one === 'number'),
  anything: () => true,
};

/** True when `event` is one of the platform's own (S:17). */
export function isPlatformEvent(event: string): event is EventName {
  return Object.hasOwn(kindsOf, event);
}

/**
 * Throws EVENT_INVALID naming every field that is missing or of the wrong type. For development and tests:
 * plugins rely on these fields, and the host's types do not protect a host written in JavaScript.
 */
export function checkPayload(event: string, payload: Readonly<Record<string, unknown>>): void {
  if (!isPlatformEvent(event)) return;
  const issues = Object.entries(kindsOf[event] ?? {}).flatMap(([field, kind]) => issuesOf(field, kind, payload[field]));
  if (!event.startsWith('plugin:')) issues.push(...issuesOfTrigger(payload['triggeredBy']));
  if (issues.length === 0) return;
  const problems = issues.map(({ path, message }) => `${path} ${message}`).join(', ');
  throw new PlatformError('EVENT_INVALID', `The payload of ${event} is not what plugins expect: ${problems}`, {
    details: { issues },
  });
}

interface Issue {
  path: string;
  message: string;
}

function issuesOf(field: string, kind: string, value: unknown): Issue[] {
  const optional = kind.endsWith('?');
  if (value === undefined) return optional ? [] : [{ path: field, message: 'is missing' }];
  const wanted = (optional ? kind.slice(0, -1) : kind) as FieldKind;
  return isOfKind[wanted](value) ? [] : [{ path: field, message: `must be ${wanted}, not ${typeof value}` }];
}

function issuesOfTrigger(triggeredBy: unknown): Issue[] {
  const userId = (triggeredBy as { userId?: unknown } | undefined)?.userId;
  return isOfKind.number(userId) ? [] : [{ path: 'triggeredBy.userId', message: 'must be a number' }];
}
