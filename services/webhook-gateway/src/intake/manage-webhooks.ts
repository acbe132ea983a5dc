import { randomUUID } from 'node:crypto';
import { PlatformError, type SurfaceVerify, type SurfaceWebhook } from '@verifywise/contracts';
import { declaredAs } from './accept-webhook.ts';
import type { Endpoint, EndpointToken, EndpointTokens } from './endpoint.ts';
import type { RequestBook, RequestSelection } from './request-book.ts';
import type { DeclaredWebhooks } from './surfaces.ts';
import { viewOf, type WebhookView } from './webhook-view.ts';
import type { RequestSummary, WebhookRequest } from './webhook-request.ts';
import type { SettingsBook, WebhookSettings } from './webhook-settings.ts';

/** Long enough to change the URL at a sender without haste. */
const DEFAULT_OVERLAP_SECONDS = 24 * 3_600;
const RECENT = 20;

/** The webhooks of a plugin as an admin sees them. */
export interface WebhooksView {
  enabled: boolean;
  /** How many requests a minute the plugin gets, of all its webhooks together. */
  requestsPerMinute: number;
  webhooks: WebhookView[];
  requests: RequestSummary[];
}

export interface ManageWebhooks {
  list(tenant: string, pluginId: string): Promise<WebhooksView>;
  rotate(endpoint: Endpoint, overlapSeconds?: number): Promise<WebhookView & { previousUntil: string | null }>;
  change(endpoint: Endpoint, change: Partial<WebhookSettings>): Promise<WebhookView>;
  /** Null is back to the platform's own limit. */
  setRateLimit(tenant: string, pluginId: string, perMinute: number | null): Promise<{ requestsPerMinute: number }>;
  requests(tenant: string, pluginId: string, selection: RequestSelection): Promise<RequestSummary[]>;
  request(tenant: string, pluginId: string, requestId: string): Promise<WebhookRequest>;
  replay(tenant: string, pluginId: string, requestId: string): Promise<WebhookRequest>;
}

export interface ManageWebhooksParts {
  tokens: EndpointTokens;
  requests: RequestBook;
  settings: SettingsBook;
  surfaces: { find(tenant: string, pluginId: string): Promise<DeclaredWebhooks> };
  /** The secrets that are set for a verification. */
  secretsOf: (endpoint: Endpoint, verify: SurfaceVerify) => Promise<string[]>;
  /** Throws when the tenant does not have the plugin. */
  assertInstalled: (tenant: string, pluginId: string) => Promise<void>;
  /** What senders see. */
  publicUrl: string;
  hostSuffix: string | undefined;
  /** What the operator has set. */
  requestsPerMinute: number;
  bodyLimit: number;
  /** Has what is waiting sent now. */
  wake: () => void;
}

class RequestNotFoundError extends PlatformError {
  constructor(requestId: string) {
    super('REQUEST_NOT_FOUND', `There is no webhook request ${requestId}; requests are kept for seven days`);
  }
}

export function createManageWebhooks(parts: ManageWebhooksParts): ManageWebhooks {
  const { tokens, requests, settings, surfaces, assertInstalled, wake } = parts;
  const declaredNow = async ({ tenant, pluginId, webhook }: Endpoint): Promise<SurfaceWebhook> => {
    const declared = declaredAs(await surfaces.find(tenant, pluginId), webhook);
    if (declared !== undefined) return declared;
    throw new PlatformError('WEBHOOK_NOT_FOUND', `${pluginId} declares no webhook "${webhook}", or is not enabled`);
  };
  const isSecretSet = async (endpoint: Endpoint, verify: SurfaceVerify): Promise<boolean | null> => {
    try {
      return (await parts.secretsOf(endpoint, verify)).length > 0;
    } catch (error) {
      // The URLs are wanted also while no installer is there to say.
      if (error instanceof PlatformError && error.code === 'UNAVAILABLE') return null;
      throw error;
    }
  };
  const view = async (declared: SurfaceWebhook, token: EndpointToken): Promise<WebhookView> => {
    const said = await settings.find(token);
    const verify = said.verify ?? declared.verify;
    const secretSet = verify === undefined ? false : await isSecretSet(token, verify);
    return viewOf(parts, { declared, said, token, secretSet });
  };
  return {
    async list(tenant, pluginId) {
      const declared = await surfaces.find(tenant, pluginId);
      if (declared === null) await assertInstalled(tenant, pluginId);
      const made = (declared ?? []).map(async (webhook) =>
        view(webhook, await tokens.current({ tenant, pluginId, webhook: webhook.name })),
      );
      return {
        enabled: declared !== null,
        requestsPerMinute: (await settings.rateLimit(tenant, pluginId)) ?? parts.requestsPerMinute,
        webhooks: await Promise.all(made),
        requests: await requests.list(tenant, pluginId, { limit: RECENT }),
      };
    },
    async rotate(endpoint, overlapSeconds = DEFAULT_OVERLAP_SECONDS) {
      const declared = await declaredNow(endpoint);
      const { current, previousUntil } = await tokens.rotate(endpoint, overlapSeconds);
      return { ...(await view(declared, current)), previousUntil: previousUntil?.toISOString() ?? null };
    },
    async change(endpoint, change) {
      const declared = await declaredNow(endpoint);
      await settings.change(endpoint, change);
      return view(declared, await tokens.current(endpoint));
    },
    async setRateLimit(tenant, pluginId, perMinute) {
      await assertInstalled(tenant, pluginId);
      await settings.setRateLimit(tenant, pluginId, perMinute);
      return { requestsPerMinute: perMinute ?? parts.requestsPerMinute };
    },
    async requests(tenant, pluginId, selection) {
      const found = await requests.list(tenant, pluginId, selection);
      if (found.length === 0) await assertInstalled(tenant, pluginId);
      return found;
    },
    async request(tenant, pluginId, requestId) {
      const request = await requests.find(tenant, requestId);
      if (request?.pluginId !== pluginId) throw new RequestNotFoundError(requestId);
      return request;
    },
    async replay(tenant, pluginId, requestId) {
      if ((await surfaces.find(tenant, pluginId)) === null)
        throw new PlatformError(
          'PLUGIN_NOT_ENABLED',
          `${pluginId} is not enabled; enable it and replay the request then`,
        );
      const request = await requests.replay(tenant, pluginId, requestId, randomUUID());
      if (request === undefined) throw new RequestNotFoundError(requestId);
      wake();
      return request;
    },
  };
}
