import { PlatformError, type SurfaceWebhook } from '@verifywise/contracts';
import { Remembered } from './remembered.ts';

/** What a plugin declares; null when it is not enabled. */
export type DeclaredWebhooks = SurfaceWebhook[] | null;

/** What was declared when we last heard, kept over restarts. */
export interface KnownWebhooks {
  find(tenant: string, pluginId: string): Promise<DeclaredWebhooks | undefined>;
  keep(tenant: string, pluginId: string, declared: DeclaredWebhooks): Promise<void>;
}

export type AskWebhooks = (tenant: string, pluginId: string) => Promise<DeclaredWebhooks>;

/** Finds what a plugin declares: as fresh as a second, or as last known when no runner answers. */
export class Surfaces {
  readonly #ask: AskWebhooks;
  readonly #known: KnownWebhooks;
  readonly #remembered = new Remembered<DeclaredWebhooks>();

  constructor(ask: AskWebhooks, known: KnownWebhooks) {
    this.#ask = ask;
    this.#known = known;
  }

  /** Rejects with UNAVAILABLE when no runner answers and nothing was ever known. */
  find(tenant: string, pluginId: string): Promise<DeclaredWebhooks> {
    return this.#remembered.find(`${tenant}/${pluginId}`, () => this.#learn(tenant, pluginId));
  }

  /** The same, asked for now. */
  findNow(tenant: string, pluginId: string): Promise<DeclaredWebhooks> {
    return this.#remembered.findNow(`${tenant}/${pluginId}`, () => this.#learn(tenant, pluginId));
  }

  async #learn(tenant: string, pluginId: string): Promise<DeclaredWebhooks> {
    let declared: DeclaredWebhooks;
    try {
      declared = await this.#ask(tenant, pluginId);
    } catch (error) {
      const known = await this.#known.find(tenant, pluginId);
      if (known !== undefined) return known;
      throw new PlatformError('UNAVAILABLE', 'No runner is there to say which webhooks there are; send again later', {
        details: { retryAfterSeconds: 10 },
        cause: error,
      });
    }
    await this.#known.keep(tenant, pluginId, declared);
    return declared;
  }
}
