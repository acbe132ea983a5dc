import { PlatformError, type SurfaceWebhook } from '@verifywise/contracts';

/** What a plugin declares; null when it is not enabled. */
export type DeclaredWebhooks = SurfaceWebhook[] | null;

/** What was declared when we last heard, kept over restarts. */
export interface KnownWebhooks {
  find(tenant: string, pluginId: string): Promise<DeclaredWebhooks | undefined>;
  keep(tenant: string, pluginId: string, declared: DeclaredWebhooks): Promise<void>;
}

export type AskWebhooks = (tenant: string, pluginId: string) => Promise<DeclaredWebhooks>;

/** A plugin that was disabled is closed to senders within this. */
const FRESH_MS = 1_000;
/** Addresses can be made up by anybody; those asked for longest ago are forgotten first. */
const MOST_REMEMBERED = 10_000;

interface Remembered {
  at: number;
  declared: Promise<DeclaredWebhooks>;
}

/** Finds what a plugin declares: as fresh as a second, or as last known when no runner answers. */
export class Surfaces {
  readonly #ask: AskWebhooks;
  readonly #known: KnownWebhooks;
  readonly #remembered = new Map<string, Remembered>();

  constructor(ask: AskWebhooks, known: KnownWebhooks) {
    this.#ask = ask;
    this.#known = known;
  }

  /** Rejects with UNAVAILABLE when no runner answers and nothing was ever known. */
  find(tenant: string, pluginId: string): Promise<DeclaredWebhooks> {
    const key = `${tenant}/${pluginId}`;
    const remembered = this.#remembered.get(key);
    if (remembered !== undefined && performance.now() - remembered.at < FRESH_MS) return remembered.declared;
    const declared = this.#learn(tenant, pluginId);
    this.#remember(key, declared);
    return declared;
  }

  /** The same, asked for now: what a second ago was true may have ended. */
  findNow(tenant: string, pluginId: string): Promise<DeclaredWebhooks> {
    this.#remembered.delete(`${tenant}/${pluginId}`);
    return this.find(tenant, pluginId);
  }

  #remember(key: string, declared: Promise<DeclaredWebhooks>): void {
    this.#remembered.delete(key);
    this.#remembered.set(key, { at: performance.now(), declared });
    const oldest = this.#remembered.keys().next();
    if (this.#remembered.size > MOST_REMEMBERED && oldest.done !== true) this.#remembered.delete(oldest.value);
    declared.catch(() => this.#remembered.delete(key));
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
