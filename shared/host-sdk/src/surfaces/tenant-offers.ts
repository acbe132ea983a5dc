import { NotAskedError } from '../asking/tenant-asking.ts';
import type { Log } from '../log.ts';
import type { TenantOffer } from './tenant-offer.ts';

export interface TenantOffersOptions {
  /** Asks the platform what the tenant's plugins offer. */
  ask: (tenant: string) => Promise<TenantOffer>;
  log: Log;
  /** How many tenants are remembered; those that were not asked about for longest go first. */
  most?: number;
  /** Milliseconds after which what is known is looked up anew, in the background. */
  freshMs?: number;
  /** Milliseconds until a failed look-up is tried again. */
  againMs?: number;
}

interface Entry {
  offer: TenantOffer | undefined;
  asking: Promise<TenantOffer | undefined> | undefined;
  /** A fact has said that it is something else by now. */
  outdated: boolean;
  askAt: number;
  /** Grows with every such fact, so that an answer to an earlier question is not taken for the new one. */
  round: number;
}

const MOST = 10_000;
/** Facts bring every change at once; this is for those that were lost on their way. */
const FRESH_MS = 30_000;
const AGAIN_MS = 2_000;
/** A plugin may change what it offers all the time, and nobody waits for its last word. */
const MOST_ROUNDS = 3;

/**
 * What each tenant's plugins offer, remembered until a fact says that it has changed. Whoever asks about a tenant that is known gets
 * an answer at once and sends nothing.
 */
export class TenantOffers {
  readonly #options: Required<TenantOffersOptions>;
  readonly #entries = new Map<string, Entry>();

  constructor(options: TenantOffersOptions) {
    this.#options = { most: MOST, freshMs: FRESH_MS, againMs: AGAIN_MS, ...options };
  }

  /** Undefined when the platform could not be asked and nothing is known from before. */
  of(tenant: string): TenantOffer | undefined | Promise<TenantOffer | undefined> {
    const entry = this.#entryOf(tenant);
    if (entry.asking === undefined && Date.now() >= entry.askAt) entry.asking = this.#ask(tenant, entry);
    if (entry.offer !== undefined && !entry.outdated) return entry.offer;
    return entry.asking ?? entry.offer;
  }

  /** What is known of the tenant counts no more; whoever asks next waits for the platform's answer. */
  outdate(tenant: string): void {
    const entry = this.#entries.get(tenant);
    if (entry !== undefined) outdate(entry);
  }

  outdateAll(): void {
    for (const entry of this.#entries.values()) outdate(entry);
  }

  #entryOf(tenant: string): Entry {
    const entry = this.#entries.get(tenant) ?? {
      ...{ offer: undefined, asking: undefined, outdated: false, askAt: 0, round: 0 },
    };
    // A map gives its keys in the order in which they were set, so the first is the one that was not needed for longest.
    this.#entries.delete(tenant);
    this.#entries.set(tenant, entry);
    if (this.#entries.size > this.#options.most) {
      const [oldest] = this.#entries.keys();
      if (oldest !== undefined) this.#entries.delete(oldest);
    }
    return entry;
  }

  async #ask(tenant: string, entry: Entry): Promise<TenantOffer | undefined> {
    const { ask, log, freshMs, againMs } = this.#options;
    try {
      for (let round = 1; round <= MOST_ROUNDS; round += 1) {
        const begun = entry.round;
        entry.offer = await ask(tenant);
        entry.outdated = entry.round !== begun;
        if (!entry.outdated) break;
      }
      // Not all at once: tenants that were first seen in the same moment would be asked about together for ever.
      entry.askAt = entry.outdated ? 0 : Date.now() + freshMs * (0.5 + Math.random() / 2);
    } catch (error) {
      const known = entry.offer === undefined ? 'nothing is known' : 'the last that was known counts';
      // That RabbitMQ is away is said once for all tenants.
      const say = error instanceof NotAskedError ? 'debug' : 'warn';
      log[say]({ err: error, tenant }, `What the tenant's plugins offer could not be asked; ${known}`);
      entry.askAt = Date.now() + againMs;
    }
    entry.asking = undefined;
    return entry.offer;
  }
}

function outdate(entry: Entry): void {
  entry.outdated = true;
  entry.askAt = 0;
  entry.round += 1;
}
