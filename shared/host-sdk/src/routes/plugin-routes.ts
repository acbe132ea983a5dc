import type { Agent as HttpAgentType, ServerResponse } from 'node:http';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Log } from '../log.ts';
import { quietLog } from '../log.ts';
import type { ForwardedRequest, Upstream } from './forward.ts';
import { forward } from './forward.ts';
import type { UpstreamName } from './owner-of-path.ts';
import { ownerOfPath } from './owner-of-path.ts';

/** Where the platform's services are: each at its own address, or all behind one that knows their paths. */
export type PlatformUrls =
  | { platformUrl: string }
  | {
      registryCacheUrl: string;
      installerUrl: string;
      runnerUrl: string;
      schedulerUrl: string;
      webhookGatewayUrl: string;
    };

export interface ForwardingOptions {
  /** Milliseconds a service may take from the last byte of the request to the first of its answer; default 30 000. */
  deadlineMs?: number;
  /** Milliseconds without a byte before a connection counts as dead; default 120 000. */
  idleMs?: number;
  log?: Log;
}

export type PluginRoutesOptions = PlatformUrls & ForwardingOptions;

/** Middleware of Express 4 or 5, or of anything else with `(req, res, next)`. */
export type PluginRoutes = (req: ForwardedRequest, res: ServerResponse, next: (error?: unknown) => void) => void;

/** The services answer long operations with 202 within 25 s. */
const DEADLINE_MS = 30_000;
/** Longer than the pauses between the signs of life in an event stream. */
const IDLE_MS = 120_000;

/**
 * Serves /api/marketplace and /api/plugins by passing each request on to the service that owns its path (contract §5).
 * Mount it at the root and before body parsers: `app.use(pluginRoutes({ … }))`. A parsed JSON body is written again, but
 * then a webhook's signature, which covers the bytes as sent, no longer fits. Requests for other paths go on to `next`.
 */
export function pluginRoutes(options: PluginRoutesOptions): PluginRoutes {
  const { log = quietLog } = options;
  const limits = { deadlineMs: options.deadlineMs ?? DEADLINE_MS, idleMs: options.idleMs ?? IDLE_MS };
  const agents = { 'http:': new HttpAgent({ keepAlive: true }), 'https:': new HttpsAgent({ keepAlive: true }) };
  const urls = urlsOf(options);
  const upstreams = Object.fromEntries(
    Object.entries(urls).map(([name, url]) => [name, upstream(name as UpstreamName, url, agents)]),
  ) as Record<UpstreamName, Upstream>;

  return (req, res, next) => {
    const [path = ''] = (req.originalUrl ?? req.url ?? '').split('?', 1);
    const owner = ownerOfPath(req.method ?? 'GET', path);
    if (owner === undefined) next();
    else forward(req, res, upstreams[owner], { limits, log });
  };
}

function urlsOf(urls: PlatformUrls): Record<UpstreamName, string> {
  if ('platformUrl' in urls) {
    const { platformUrl: url } = urls;
    return { 'registry-cache': url, installer: url, 'plugin-runner': url, scheduler: url, 'webhook-gateway': url };
  }
  return {
    'registry-cache': urls.registryCacheUrl,
    installer: urls.installerUrl,
    'plugin-runner': urls.runnerUrl,
    scheduler: urls.schedulerUrl,
    'webhook-gateway': urls.webhookGatewayUrl,
  };
}

function upstream(name: UpstreamName, address: string, agents: Record<'http:' | 'https:', HttpAgentType>): Upstream {
  const url = new URL(address);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new TypeError(`The address of the ${name} must begin with http:// or https://, not ${url.protocol}//`);
  }
  return { name, url, agent: agents[url.protocol] };
}
