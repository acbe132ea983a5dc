import type { Surface } from '@verifywise/contracts';
import type { Permission } from '@verifywise/plugin-types';

/** Only running code says what it listens to and offers. */
const UNKNOWN_UNTIL_IT_RUNS = 'unknown until it runs';
type Unknown = typeof UNKNOWN_UNTIL_IT_RUNS;

interface Offered {
  now: string[] | Unknown;
  then: string[] | Unknown;
}

const kinds = ['events', 'filters', 'middleware', 'routes', 'webhooks', 'jobs', 'widgets', 'pages'] as const;
export type SurfaceChanges = Record<(typeof kinds)[number], Offered>;

/** Without the permission the code may ask for them as it likes, it gets none. */
const needed: Partial<Record<keyof SurfaceChanges, Permission>> = {
  events: 'events:listen',
  filters: 'filters:add',
  middleware: 'middleware:inject',
};

/**
 * What the plugin offers now, as its runner reported it, and what it will: for certain only nothing, where the new version no longer has
 * the permission.
 */
export function surfaceChanges(now: Surface | null, thenGranted: readonly Permission[]): SurfaceChanges {
  const names = now === null ? null : namesOf(now);
  return Object.fromEntries(
    kinds.map((kind) => {
      const permission = needed[kind];
      const none = permission !== undefined && !thenGranted.includes(permission);
      return [kind, { now: names?.[kind] ?? UNKNOWN_UNTIL_IT_RUNS, then: none ? [] : UNKNOWN_UNTIL_IT_RUNS }];
    }),
  ) as SurfaceChanges;
}

function namesOf(surface: Surface): Record<keyof SurfaceChanges, string[]> {
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
