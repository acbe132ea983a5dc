import type { Activity, EventPayload } from '@verifywise/plugin-types';
import type { RecordedEvent } from './recorded-events.ts';

/** A name longer than this is cut: the feed shows one line. */
const LONGEST_NAME = 200;

/** The line of the feed for an event. */
export function activityOf(event: RecordedEvent, payload: EventPayload): Activity {
  return {
    id: payload.eventId,
    action: event.action,
    entityType: event.entityType,
    entityName: shortened(entityName(event, payload)),
    user: { name: userName(payload) },
    timestamp: payload.timestamp.toISOString(),
  };
}

/** Cut without leaving half of an emoji, which could not be stored. */
function shortened(name: string): string {
  return name.slice(0, LONGEST_NAME).toWellFormed();
}

/** Entities of the platform call their names differently: `risk_name`, `project_title`, `title`, `name`. */
function entityName({ entityType, field }: RecordedEvent, payload: EventPayload): string {
  const entity = (payload[field] ?? {}) as Record<string, unknown>;
  for (const key of ['name', 'title', `${entityType}_name`, `${entityType}_title`, 'risk_name', 'risk_description']) {
    const value = entity[key];
    if (typeof value === 'string' && value !== '') return value;
  }
  const { id } = entity;
  return typeof id === 'number' || typeof id === 'string' ? `${entityType} ${id}` : entityType;
}

function userName({ triggeredBy }: EventPayload): string {
  if (triggeredBy === undefined) return 'VerifyWise';
  return triggeredBy.name ?? triggeredBy.email ?? `User ${triggeredBy.userId}`;
}
