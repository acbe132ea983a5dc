import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * Everything that operations do comes by here, from other processes. A tenant may have a route: the points it will come by. It stands at
 * the next one of them until it is let go, so that whoever is killed while it stands there is killed at exactly that point.
 */
export class Gate {
  readonly url: string;
  readonly #stop: () => Promise<void>;
  readonly #files: ReadonlyMap<string, Buffer>;
  readonly #ways = new Map<string, Way>();

  private constructor(url: string, files: ReadonlyMap<string, Buffer>, stop: () => Promise<void>) {
    this.url = url;
    this.#files = files;
    this.#stop = stop;
  }

  /** Serves a registry's files as well, which know its address. */
  static async start(filesAt: (url: string) => ReadonlyMap<string, Buffer>): Promise<Gate> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const gate = new Gate(url, filesAt(url), async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    });
    server.on('request', (req, res) => gate.#serve(req.url ?? '/', res));
    return gate;
  }

  /** A new way: what the tenant comes by from here on is noted; a hook at the point `fails` is told to fail. */
  begin(tenant: string, { route = [], fails }: { route?: readonly string[]; fails?: string | undefined } = {}): void {
    this.letGo(tenant);
    this.#ways.set(tenant, { passed: [], route, fails, at: 0, standing: [], early: [] });
  }

  /** The point at which the tenant is to stand next, or stands; undefined when its route is at its end. */
  next(tenant: string): string | undefined {
    const way = this.#ways.get(tenant);
    return way?.route[way.at];
  }

  stands(tenant: string): boolean {
    return (this.#ways.get(tenant)?.standing.length ?? 0) > 0;
  }

  /** The tenant goes on to the next point of its route. */
  letGo(tenant: string): void {
    const way = this.#ways.get(tenant);
    if (way === undefined || way.standing.length === 0) return;
    way.at += 1;
    for (const go of way.standing.splice(0)) go();
    const next = way.route[way.at];
    way.standing.push(...way.early.filter(({ point }) => point === next).map(({ go }) => go));
    way.early = way.early.filter(({ point }) => point !== next);
  }

  /** What the tenant came by since its way began, in order. */
  passedBy(tenant: string): string[] {
    return [...(this.#ways.get(tenant)?.passed ?? [])];
  }

  stop(): Promise<void> {
    return this.#stop();
  }

  #waitsBehind(way: Way, point: string, go: () => void, res: ServerResponse): void {
    const early = { point, go };
    way.early.push(early);
    // Killed meanwhile, it comes again.
    res.once('close', () => (way.early = way.early.filter((one) => one !== early)));
  }

  #serve(path: string, res: ServerResponse): void {
    const file = this.#files.get(path);
    if (file !== undefined) {
      res.end(file);
      return;
    }
    const { searchParams } = new URL(path, this.url);
    const [tenant, point] = [searchParams.get('tenant'), searchParams.get('point')];
    if (tenant === null || point === null) {
      res.writeHead(404).end();
      return;
    }
    const way = this.#ways.get(tenant);
    const answer = () => void res.end(JSON.stringify({ fail: way !== undefined && way.fails === point }));
    way?.passed.push(point);
    if (way?.route[way.at] === point) way.standing.push(answer);
    else if (way !== undefined && isEarly(way, point)) this.#waitsBehind(way, point, answer, res);
    else answer();
  }
}

/** Whoever waits for an operation sees its end in the database while it still stands there: it must not pass what stands. */
function isEarly({ standing, route, at }: Way, point: string): boolean {
  return standing.length > 0 && route.indexOf(point, at + 1) > at;
}

interface Way {
  passed: string[];
  route: readonly string[];
  fails: string | undefined;
  /** The place in the route. */
  at: number;
  /** Who waits at the point to be let go. */
  standing: (() => void)[];
  /** Who came to a later point meanwhile. */
  early: Early[];
}

interface Early {
  point: string;
  go: () => void;
}
