import type { HostIncoming, HostOutgoing } from './host-exchange.ts';

const CONDITIONS = ['if-none-match', 'if-modified-since'];

/**
 * Takes from a read what the client has already: the route would compare it with its own answer, and plugins change that afterwards.
 * What is answered puts it back.
 */
export function hideConditions(req: HostIncoming): () => void {
  if (req.method !== 'GET' && req.method !== 'HEAD') return () => undefined;
  const hidden = CONDITIONS.flatMap((name) => {
    const value = req.headers[name];
    Reflect.deleteProperty(req.headers, name);
    return value === undefined ? [] : [[name, value] as const];
  });
  return () => {
    for (const [name, value] of hidden) req.headers[name] = value;
  };
}

type Tag = (body: Buffer, encoding?: string) => string;

/** How the application makes entity tags, when this answer's is one of them and not the route's own. */
export function tagMaker(res: HostOutgoing, bytes: Buffer): Tag | undefined {
  const tag = res.getHeader('etag');
  const make = res.app?.get('etag fn');
  if (tag === undefined || typeof make !== 'function') return undefined;
  return (make as Tag)(bytes) === tag ? (make as Tag) : undefined;
}
