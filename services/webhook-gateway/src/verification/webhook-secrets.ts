import { PlatformError, type SurfaceVerify } from '@verifywise/contracts';
import type { SecretPlace } from '@verifywise/service-kit';
import type { Endpoint } from '../intake/endpoint.ts';
import { Remembered } from '../intake/remembered.ts';

/** Secrets by their place in the plugin's settings, as they are sealed. */
export type SealedSecrets = Record<string, string>;

/** What was sealed there when we last heard; still sealed. */
export interface KnownSecrets {
  find(endpoint: Endpoint): Promise<SealedSecrets | undefined>;
  keep(endpoint: Endpoint, sealed: SealedSecrets): Promise<void>;
}

export interface WebhookSecretsParts {
  /** Asks the installer; null when the tenant does not have the plugin. */
  ask: (tenant: string, pluginId: string, keys: string[]) => Promise<SealedSecrets | null>;
  known: KnownSecrets;
  open: (sealed: string, place: SecretPlace) => string;
}

/** Finds the secrets of webhooks: as fresh as a second, or as last known when no installer answers. Opened only to verify. */
export class WebhookSecrets {
  readonly #parts: WebhookSecretsParts;
  readonly #remembered = new Remembered<SealedSecrets>();

  constructor(parts: WebhookSecretsParts) {
    this.#parts = parts;
  }

  /** Empty when none is set. Rejects with UNAVAILABLE when no installer answers and nothing was ever known. */
  async find(endpoint: Endpoint, { secretKeys }: SurfaceVerify): Promise<string[]> {
    const { tenant, pluginId, webhook } = endpoint;
    const key = JSON.stringify([tenant, pluginId, webhook, secretKeys]);
    const sealed = await this.#remembered.find(key, () => this.#learn(endpoint, secretKeys));
    return Object.entries(sealed).map(([field, secret]) => this.#parts.open(secret, { tenant, pluginId, field }));
  }

  async #learn(endpoint: Endpoint, keys: string[]): Promise<SealedSecrets> {
    let sealed: SealedSecrets;
    try {
      sealed = (await this.#parts.ask(endpoint.tenant, endpoint.pluginId, keys)) ?? {};
    } catch (error) {
      const known = await this.#parts.known.find(endpoint);
      if (known !== undefined) return among(known, keys);
      throw new PlatformError(
        'UNAVAILABLE',
        'No installer is there to say how this webhook is signed; send again later',
        {
          details: { retryAfterSeconds: 10 },
          cause: error,
        },
      );
    }
    await this.#parts.known.keep(endpoint, sealed);
    return sealed;
  }
}

/** What was kept may be of other settings than those that count now. */
function among(sealed: SealedSecrets, keys: readonly string[]): SealedSecrets {
  const places = keys.map((key) => key.replaceAll('.', '/'));
  return Object.fromEntries(
    Object.entries(sealed).filter(([place]) =>
      places.some((wanted) => place === wanted || place.startsWith(`${wanted}/`)),
    ),
  );
}
