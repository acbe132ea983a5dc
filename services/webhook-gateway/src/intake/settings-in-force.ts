import type { SurfaceVerify, SurfaceWebhook } from '@verifywise/contracts';
import type { Endpoint } from './endpoint.ts';
import { Remembered } from './remembered.ts';
import type { SettingsBook, WebhookSettings } from './webhook-settings.ts';

/** What counts for a webhook now: what an admin has said, else what the plugin declares, else what the operator has set. */
export class SettingsInForce {
  readonly #book: SettingsBook;
  readonly #perMinute: number;
  readonly #settings = new Remembered<WebhookSettings>();
  readonly #limits = new Remembered<number | null>();

  constructor(book: SettingsBook, perMinute: number) {
    this.#book = book;
    this.#perMinute = perMinute;
  }

  async verifyOf(endpoint: Endpoint, declared: Pick<SurfaceWebhook, 'verify'>): Promise<SurfaceVerify | undefined> {
    const { tenant, pluginId, webhook } = endpoint;
    const key = JSON.stringify([tenant, pluginId, webhook]);
    const { verify } = await this.#settings.find(key, () => this.#book.find(endpoint));
    return verify ?? declared.verify;
  }

  async perMinute(tenant: string, pluginId: string): Promise<number> {
    const said = await this.#limits.find(`${tenant}/${pluginId}`, () => this.#book.rateLimit(tenant, pluginId));
    return said ?? this.#perMinute;
  }
}
