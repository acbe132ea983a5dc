import { isTenant } from '@verifywise/contracts';
import { Remembered } from './remembered.ts';

/** What a URL given to a sender stands for. */
export interface Endpoint {
  tenant: string;
  pluginId: string;
  webhook: string;
}

export interface EndpointToken extends Endpoint {
  /** Kept readable, because an admin is shown the URL again; it opens one webhook of one plugin and nothing else. */
  token: string;
  createdAt: Date;
  /** Set when it was replaced by a newer one. */
  expiresAt: Date | null;
}

/** The endpoint tokens of all tenants. */
export interface EndpointTokens {
  /** The endpoint of a token that is still valid. */
  find(token: string): Promise<Endpoint | undefined>;
  /** The newest token of the endpoint, made now if there is none. */
  current(endpoint: Endpoint): Promise<EndpointToken>;
  /** Makes a new one; the one before stays valid for the overlap. */
  rotate(endpoint: Endpoint, overlapSeconds: number): Promise<{ current: EndpointToken; previousUntil: Date | null }>;
  forgetPlugin(tenant: string, pluginId: string): Promise<void>;
}

const ENDPOINT_TOKEN = /^whk_[A-Za-z0-9_-]{43}$/;

/** What of a request tells whose it is. */
export interface Address {
  pluginId: string;
  webhook: string;
  token: string | undefined;
  host: string | undefined;
}

/** Whose webhook an address is: by its token, else by its host name; undefined whatever was wrong with it. */
export function createFindEndpoint(tokens: Pick<EndpointTokens, 'find'>, hostSuffix: string | undefined) {
  const remembered = new Remembered<Endpoint | undefined>();
  return async function findEndpoint({ pluginId, webhook, token, host }: Address): Promise<Endpoint | undefined> {
    if (token !== undefined) {
      if (!ENDPOINT_TOKEN.test(token)) return undefined;
      const endpoint = await remembered.find(token, () => tokens.find(token));
      return endpoint?.pluginId === pluginId && endpoint.webhook === webhook ? endpoint : undefined;
    }
    const tenant = tenantOfHost(host, hostSuffix);
    return tenant === undefined ? undefined : { tenant, pluginId, webhook };
  };
}

/** `acme` of `acme.hooks.example.com:443`, when `hooks.example.com` is ours. */
function tenantOfHost(host: string | undefined, suffix: string | undefined): string | undefined {
  if (host === undefined || suffix === undefined) return undefined;
  const name = host.replace(/:\d+$/, '').toLowerCase();
  const ending = `.${suffix.toLowerCase()}`;
  if (!name.endsWith(ending)) return undefined;
  const tenant = name.slice(0, -ending.length);
  return isTenant(tenant) ? tenant : undefined;
}
