import type { SurfaceWebhook } from '@verifywise/contracts';
import type { EndpointToken } from './endpoint.ts';
import type { WebhookSettings } from './webhook-settings.ts';

/** One webhook as an admin sees it, with the URL to paste into the sender's settings. */
export interface WebhookView {
  name: string;
  methods: string[];
  url: string;
  /** Its address by host name, where the platform has those. */
  hostUrl?: string;
  /** The address that all tenants share, once accounts are claimed. */
  sharedUrl?: string;
  createdAt: string;
  /** How the gateway verifies its requests; null when the plugin does it. */
  verify: { scheme: string; secretConfigKey: string[]; setBy: 'plugin' | 'admin'; secretSet: boolean | null } | null;
  accounts: string[];
  bodyLimit: number;
  overflow: 'reject' | 'queue';
}

interface Seen {
  declared: SurfaceWebhook;
  said: WebhookSettings;
  token: EndpointToken;
  secretSet: boolean | null;
}

interface Addresses {
  publicUrl: string;
  hostSuffix: string | undefined;
  bodyLimit: number;
}

export function viewOf({ publicUrl, hostSuffix, bodyLimit }: Addresses, seen: Seen): WebhookView {
  const { declared, said, token: made, secretSet } = seen;
  const { tenant, pluginId, webhook: name, token, createdAt } = made;
  const path = `/api/plugins/${pluginId}/webhooks/${encodeURIComponent(name)}`;
  const hostUrl =
    hostSuffix === undefined ? {} : { hostUrl: `${new URL(publicUrl).protocol}//${tenant}.${hostSuffix}${path}` };
  const verify = said.verify ?? declared.verify;
  return {
    ...{ name, methods: declared.methods, url: `${publicUrl}${path}/${token}`, ...hostUrl },
    ...(said.accounts.length === 0 ? {} : { sharedUrl: `${publicUrl}${path}` }),
    createdAt: createdAt.toISOString(),
    verify: verify
      ? {
          ...{ scheme: verify.scheme, secretConfigKey: verify.secretKeys, secretSet },
          setBy: said.verify === null ? 'plugin' : 'admin',
        }
      : null,
    accounts: said.accounts,
    bodyLimit: declared.bodyLimit ?? bodyLimit,
    overflow: declared.overflow ?? 'reject',
  };
}
