import type { RoutePattern, Surface, SurfaceMiddleware } from '@verifywise/contracts';
import { matchPattern, readPattern } from '@verifywise/contracts';
import type { MiddlewareCall } from '../isolate/protocol.ts';

/** Which middleware of a surface is for a request, in the order in which it was added. */
export type Matching = (
  surface: Pick<Surface, 'middleware'>,
  phase: MiddlewareCall['phase'],
  url: string,
) => { entries: MiddlewareCall['entries']; failClosed: boolean };

/** Takes every pattern apart once, however many requests come. */
export function createMatching(): Matching {
  const patterns = new WeakMap<SurfaceMiddleware, RoutePattern | null>();
  const patternOf = (entry: SurfaceMiddleware): RoutePattern | null => {
    let pattern = patterns.get(entry);
    if (pattern === undefined) {
      pattern = readable(entry.pattern);
      patterns.set(entry, pattern);
    }
    return pattern;
  };
  return (surface, phase, url) => {
    const entries: MiddlewareCall['entries'] = [];
    let failClosed = false;
    for (const entry of surface.middleware) {
      const pattern = entry.position === phase ? patternOf(entry) : null;
      const params = pattern && matchPattern(pattern, url);
      if (!params) continue;
      entries.push({ id: entry.id, params });
      failClosed ||= entry.failClosed;
    }
    return { entries, failClosed };
  };
}

/** A surface comes from the plugin's process, which may say anything: what is no pattern matches nothing. */
function readable(pattern: unknown): RoutePattern | null {
  try {
    return readPattern(pattern);
  } catch {
    return null;
  }
}
