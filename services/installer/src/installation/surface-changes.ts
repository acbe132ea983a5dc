import { emptySurface, offeredInManifest, readUiExtensions, type Surface } from '@verifywise/contracts';
import type { Permission, PluginManifest } from '@verifywise/plugin-types';

/** Only running code says what it listens to and offers. */
const UNKNOWN_UNTIL_IT_RUNS = 'unknown until it runs';
type Unknown = typeof UNKNOWN_UNTIL_IT_RUNS;

/** Names of one kind of thing, before and after an update. */
interface Offered {
  now: string[] | Unknown;
  then: string[] | Unknown;
  /** What is certain to be new, and what is certain to be gone; of what is unknown there may be more. */
  comes: string[];
  goes: string[];
}

const kinds = ['events', 'filters', 'middleware', 'routes', 'webhooks', 'jobs', 'widgets', 'pages'] as const;
type Kind = (typeof kinds)[number];
export type SurfaceChanges = Record<Kind, Offered>;

/** Without the permission the code may ask for them as it likes, it gets none. */
const needed: Partial<Record<Kind, Permission>> = {
  events: 'events:listen',
  filters: 'filters:add',
  middleware: 'middleware:inject',
};

/** What is known of the version that would be there then, before any of it has run. */
export interface NextVersion {
  granted: readonly Permission[];
  /** Null when the package could not be taken in. */
  manifest: Pick<PluginManifest, 'id' | 'ui'> | null;
  /** Null when nobody has looked. */
  hasCode: boolean | null;
}

/**
 * What the plugin offers now, as its runner reported it, and what it will, as far as anybody can tell: all of it where the new version has
 * no code, nothing where it has no permission, and of widgets and pages at least those of its manifest.
 */
export function surfaceChanges(now: Surface | null, next: NextVersion): SurfaceChanges {
  const names = now === null ? null : namesOf(now);
  const declared = declaredIn(next.manifest);
  return Object.fromEntries(
    kinds.map((kind) => [kind, changeOf(names?.[kind] ?? null, thenOf(kind, next, declared), declared[kind])]),
  ) as SurfaceChanges;
}

/** What only the code of the new version knows, in a sentence; null when there is nothing left to know. */
export function unknownOf(surface: SurfaceChanges, version: string): string | null {
  const unknown = kinds.filter((kind) => surface[kind].then === UNKNOWN_UNTIL_IT_RUNS);
  if (unknown.length === 0) return null;
  return `Which ${unknown.join(', ')} ${version} has, only its code says, and nothing of it runs before the update; once it is enabled, they are the \`now\` of this plan`;
}

function thenOf(kind: Kind, { granted, hasCode }: NextVersion, declared: Record<Kind, string[]>): string[] | null {
  if (hasCode === false) return declared[kind];
  const permission = needed[kind];
  return permission !== undefined && !granted.includes(permission) ? [] : null;
}

function changeOf(now: string[] | null, then: string[] | null, declared: string[]): Offered {
  const certain = then ?? declared;
  return {
    now: now ?? UNKNOWN_UNTIL_IT_RUNS,
    then: then ?? UNKNOWN_UNTIL_IT_RUNS,
    comes: now === null ? [] : certain.filter((name) => !now.includes(name)),
    goes: now === null || then === null ? [] : now.filter((name) => !then.includes(name)),
  };
}

/** What a manifest offers by itself: widgets and pages, nothing else. */
function declaredIn(manifest: NextVersion['manifest']): Record<Kind, string[]> {
  if (manifest === null) return namesOf(emptySurface);
  const { widgets, pages } = readUiExtensions(manifest.id, offeredInManifest(manifest.ui));
  return namesOf({ ...emptySurface, widgets, pages });
}

function namesOf(surface: Surface): Record<Kind, string[]> {
  const { events, filters, middleware, routes, webhooks, jobs, widgets, pages } = surface;
  return {
    events,
    filters: distinct(filters.map(({ name }) => name)),
    middleware: distinct(middleware.map(({ position, pattern }) => `${position} ${pattern}`)),
    routes,
    webhooks: webhooks.map(({ name }) => name),
    jobs,
    widgets: widgets.map(({ widgetId }) => widgetId),
    pages: pages.map(({ title }) => title),
  };
}

function distinct(names: string[]): string[] {
  return [...new Set(names)];
}
