import { randomUUID } from 'node:crypto';
import { PlatformError } from '@verifywise/contracts';
import type { EndpointToken, EndpointTokens } from './endpoint.ts';
import type { RequestBook } from './request-book.ts';
import type { DeclaredWebhooks } from './surfaces.ts';
import type { RequestSummary, WebhookRequest } from './webhook-request.ts';

/** Long enough to change the URL at a sender without haste. */
const DEFAULT_OVERLAP_SECONDS = 24 * 3_600;
const RECENT = 20;

/** One webhook as an admin sees it, with the URL to paste into the sender's settings. */
export interface WebhookView {
  name: string;
  methods: string[];
  url: string;
  /** Its address by host name, where the platform has those. */
  hostUrl?: string;
  createdAt: string;
}

export interface ManageWebhooks {
  list(
    tenant: string,
    pluginId: string,
  ): Promise<{ enabled: boolean; webhooks: WebhookView[]; requests: RequestSummary[] }>;
  rotate(
    tenant: string,
    pluginId: string,
    webhook: string,
    overlapSeconds?: number,
  ): Promise<WebhookView & { previousUntil: string | null }>;
  requests(tenant: string, pluginId: string, most: number): Promise<RequestSummary[]>;
  request(tenant: string, pluginId: string, requestId: string): Promise<WebhookRequest>;
  replay(tenant: string, pluginId: string, requestId: string): Promise<WebhookRequest>;
}

export interface ManageWebhooksParts {
  tokens: EndpointTokens;
  requests: RequestBook;
  surfaces: { find(tenant: string, pluginId: string): Promise<DeclaredWebhooks> };
  /** Throws when the tenant does not have the plugin. */
  assertInstalled: (tenant: string, pluginId: string) => Promise<void>;
  /** What senders see. */
  publicUrl: string;
  hostSuffix: string | undefined;
  /** Has what is waiting sent now. */
  wake: () => void;
}

class RequestNotFoundError extends PlatformError {
  constructor(requestId: string) {
    super('REQUEST_NOT_FOUND', `There is no webhook request ${requestId}; requests are kept for seven days`);
  }
}

export function createManageWebhooks(parts: ManageWebhooksParts): ManageWebhooks {
  const { tokens, requests, surfaces, assertInstalled, wake } = parts;
  return {
    async list(tenant, pluginId) {
      const declared = await surfaces.find(tenant, pluginId);
      if (declared === null) await assertInstalled(tenant, pluginId);
      const made = (declared ?? []).map(async ({ name, methods }) =>
        viewOf(parts, methods, await tokens.current({ tenant, pluginId, webhook: name })),
      );
      return {
        enabled: declared !== null,
        webhooks: await Promise.all(made),
        requests: await requests.list(tenant, pluginId, RECENT),
      };
    },
    async rotate(tenant, pluginId, webhook, overlapSeconds = DEFAULT_OVERLAP_SECONDS) {
      const declared = await surfaces.find(tenant, pluginId);
      const { methods } = declared?.find(({ name }) => name === webhook) ?? {};
      if (methods === undefined)
        throw new PlatformError('WEBHOOK_NOT_FOUND', `${pluginId} declares no webhook "${webhook}", or is not enabled`);
      const { current, previousUntil } = await tokens.rotate({ tenant, pluginId, webhook }, overlapSeconds);
      return { ...viewOf(parts, methods, current), previousUntil: previousUntil?.toISOString() ?? null };
    },
    async requests(tenant, pluginId, most) {
      const found = await requests.list(tenant, pluginId, most);
      if (found.length === 0) await assertInstalled(tenant, pluginId);
      return found;
    },
    async request(tenant, pluginId, requestId) {
      const request = await requests.find(tenant, pluginId, requestId);
      if (request === undefined) throw new RequestNotFoundError(requestId);
      return request;
    },
    async replay(tenant, pluginId, requestId) {
      const request = await requests.replay(tenant, pluginId, requestId, randomUUID());
      if (request === undefined) throw new RequestNotFoundError(requestId);
      wake();
      return request;
    },
  };
}

function viewOf({ publicUrl, hostSuffix }: ManageWebhooksParts, methods: string[], made: EndpointToken): WebhookView {
  const { tenant, pluginId, webhook: name, token, createdAt } = made;
  const path = `/api/plugins/${pluginId}/webhooks/${encodeURIComponent(name)}`;
  const hostUrl =
    hostSuffix === undefined ? {} : { hostUrl: `${new URL(publicUrl).protocol}//${tenant}.${hostSuffix}${path}` };
  return { name, methods, url: `${publicUrl}${path}/${token}`, ...hostUrl, createdAt: createdAt.toISOString() };
}
