import type { EmittedPayload } from '@verifywise/plugin-host';
import type { Changes, EventName } from '@verifywise/plugin-types';
import type { Field, ValueOf } from './fields.ts';

export type Fields = Readonly<Record<string, Field>>;

/** A row as it is answered and as events carry it. */
export type Row<F extends Fields = Fields> = { id: number; createdAt: Date; updatedAt: Date } & {
  [Name in keyof F]: ValueOf<F[Name]>;
};

/** What happened to one row. */
export type Change<R> =
  | { kind: 'created'; after: R }
  | { kind: 'updated'; before: R; after: R; changes: Changes }
  | { kind: 'deleted'; before: R };

/** What of an event only its entity knows; tenant and who triggered it are the request's. */
export type OwnPayload<Name extends EventName> = Omit<
  EmittedPayload<Name>,
  'tenant' | 'triggeredBy' | 'eventId' | 'timestamp'
>;

/** An event that a change implies. */
export interface Occurrence {
  event: EventName;
  own: Readonly<Record<string, unknown>>;
}

/** What an entity may look at to say which events a change implies. */
export interface Circumstances {
  /** Who made the change. */
  userId: number;
  /** A row of the same tenant that the changed one refers to. */
  find: (table: string, id: number) => Promise<Row>;
}

/** One kind of thing the platform keeps: its table, its REST path, its events. */
export interface Entity<F extends Fields = Fields> {
  /** `risk`, for messages. */
  one: string;
  /** `risks`: the table; with hyphens the path. */
  table: string;
  fields: F;
  /** Fields that together are unique within a tenant. */
  unique?: readonly string[];
  events(change: Change<Row<F>>, circumstances: Circumstances): Occurrence[] | Promise<Occurrence[]>;
}

/** Checks the description by its own fields and forgets their types, so that all entities fit one list. */
export function entity<const F extends Fields>(description: Entity<F>): Entity {
  return description;
}

/** An event that is typed by its name. */
export function occurred<Name extends EventName>(event: Name, own: OwnPayload<Name>): Occurrence {
  return { event, own };
}

/** Kinds of things whose events are `created`, `updated` and `deleted`. */
type LivingName = {
  [Name in EventName]: Name extends `${infer Kind}:created` ? Kind : never;
}[EventName];

/** The three events that every change of such a thing is. */
export function lifeOf<Kind extends LivingName, R>(
  kind: Kind,
  change: Change<R>,
  own: (row: R) => OwnPayload<`${Kind}:created`>,
): Occurrence[] {
  switch (change.kind) {
    case 'created':
      return [{ event: `${kind}:created`, own: own(change.after) }];
    case 'updated':
      return [{ event: `${kind}:updated` as EventName, own: { ...own(change.after), changes: change.changes } }];
    case 'deleted':
      return [{ event: `${kind}:deleted` as EventName, own: own(change.before) }];
  }
}

/** True when the change brought the field to this value, or a new row begins with it. */
export function became<R, Name extends keyof R>(change: Change<R>, field: Name, value: R[Name]): boolean {
  if (change.kind === 'deleted' || change.after[field] !== value) return false;
  return change.kind === 'created' || change.before[field] !== value;
}

/** An optional field of a payload: absent instead of null. */
export function whenSet<Name extends string, Value>(name: Name, value: Value | null): Partial<Record<Name, Value>> {
  return value === null ? {} : ({ [name]: value } as Partial<Record<Name, Value>>);
}
