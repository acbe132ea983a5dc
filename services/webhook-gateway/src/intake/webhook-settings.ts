import type { SurfaceVerify } from '@verifywise/contracts';
import type { Endpoint } from './endpoint.ts';

/** What an admin says of a webhook, beside what the plugin declares. */
export interface WebhookSettings {
  /** In place of what the plugin declares; null leaves it at that. */
  verify: SurfaceVerify | null;
  /** Accounts at the sender whose requests are this tenant's: `slack:T0123`, `github:1234567`. */
  accounts: string[];
}

export interface SettingsBook {
  find(endpoint: Endpoint): Promise<WebhookSettings>;
  /** What is absent stays. */
  change(endpoint: Endpoint, change: Partial<WebhookSettings>): Promise<WebhookSettings>;
  /** Whose webhook this may be, by an account in what was sent (all who have any, without one); who claimed it first comes first. */
  claimants(pluginId: string, webhook: string, account: string | undefined): Promise<Endpoint[]>;
  /** Requests per minute of this plugin of the tenant; null when nobody has said. */
  rateLimit(tenant: string, pluginId: string): Promise<number | null>;
  setRateLimit(tenant: string, pluginId: string, perMinute: number | null): Promise<void>;
}
