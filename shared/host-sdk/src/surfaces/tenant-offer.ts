import type { RoutePattern, Surface } from '@verifywise/contracts';
import { matchPattern, readPattern } from '@verifywise/contracts';

/** A pattern that a plugin's middleware stands at. */
export interface Post {
  pattern: RoutePattern;
  /** The request is refused when the plugin cannot be asked. */
  failClosed: boolean;
}

/** What a tenant's enabled plugins offer to the host: enough to know whether they have to be asked. */
export interface TenantOffer {
  readonly before: readonly Post[];
  readonly after: readonly Post[];
  readonly filters: ReadonlySet<string>;
}

/** Takes every pattern apart once, however many requests come. */
export function offerOf(surfaces: readonly Surface[]): TenantOffer {
  const filters = new Set(surfaces.flatMap((surface) => surface.filters.map(({ name }) => name)));
  const posts = { before: [] as Post[], after: [] as Post[] };
  for (const { pattern, position, failClosed } of surfaces.flatMap(({ middleware }) => middleware)) {
    const read = readable(pattern);
    if (read !== undefined) posts[position].push({ pattern: read, failClosed });
  }
  return { ...posts, filters };
}

/** Whether one of the posts is for the request, and whether one that is for it fails closed. */
export function matching(posts: readonly Post[], url: string): 'nothing' | 'open' | 'closed' {
  let found: 'nothing' | 'open' = 'nothing';
  for (const { pattern, failClosed } of posts) {
    if (matchPattern(pattern, url) === null) continue;
    if (failClosed) return 'closed';
    found = 'open';
  }
  return found;
}

/** What the runner cannot read either matches nothing there. */
function readable(pattern: string): RoutePattern | undefined {
  try {
    return readPattern(pattern);
  } catch {
    return undefined;
  }
}
