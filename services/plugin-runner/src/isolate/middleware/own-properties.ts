import type { MiddlewareState } from '@verifywise/contracts';

/** What all plugins together may keep on `req`, written as JSON; more belongs into metadata. */
const LIMIT_BYTES = 1024 * 1024;

/** Express and its helpers keep these on a request; they are made anew for every request. */
const NOT_THE_PLUGINS = ['_parsedUrl', '_parsedOriginalUrl', '_body', '_eventsCount', 'route', 'next'];

/** Tells the names that a request uses itself, its own and Express's, from those that are left to plugins; made before one sees it. */
export function requestsOwn(req: object): (name: string) => boolean {
  const own = new Set([...Object.getOwnPropertyNames(req), ...NOT_THE_PLUGINS]);
  const inherited = Object.getPrototypeOf(req) as object;
  return (name) => own.has(name) || name in inherited;
}

/** Sets what plugins have set before; a name that the request itself uses stays the request's. */
export function restore(req: object, own: MiddlewareState, isTaken: (name: string) => boolean): void {
  for (const [name, value] of Object.entries(own)) {
    if (isTaken(name)) continue;
    const copy: unknown = JSON.parse(JSON.stringify(value));
    Object.defineProperty(req, name, { value: copy, writable: true, enumerable: true, configurable: true });
  }
}

/** Everything that plugins have set on the request, as far as it is JSON; `dropped` hears of the rest. */
export function collect(
  req: object,
  isTaken: (name: string) => boolean,
  dropped: (name: string, why: string) => void,
): MiddlewareState {
  const own: [string, unknown][] = [];
  let bytes = 0;
  for (const [name, value] of Object.entries(req)) {
    if (isTaken(name) || value === undefined) continue;
    const text = jsonOf(value);
    if (text === undefined) {
      dropped(name, 'it is no JSON');
      continue;
    }
    if (bytes + text.length > LIMIT_BYTES) {
      dropped(name, `more than ${LIMIT_BYTES} bytes in all are not kept`);
      continue;
    }
    bytes += text.length;
    own.push([name, JSON.parse(text)]);
  }
  return Object.fromEntries(own);
}

function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}
