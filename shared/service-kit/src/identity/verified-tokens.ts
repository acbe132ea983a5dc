import type { Identity } from '@verifywise/contracts';

/** Checking a signature costs more than all else of a request; a key that was withdrawn is trusted for no longer than this. */
const TRUSTED_MS = 30_000;
/** One for each user who is at work now. */
const MOST = 10_000;

interface Verified {
  identity: Identity;
  until: number;
}

/** Tokens that were found good a moment ago, and whose they are. */
export class VerifiedTokens {
  readonly #tokens = new Map<string, Verified>();

  find(token: string, now = Date.now()): Identity | undefined {
    const known = this.#tokens.get(token);
    if (known === undefined) return undefined;
    if (known.until > now) return known.identity;
    this.#tokens.delete(token);
    return undefined;
  }

  /** `expiresAt` in milliseconds since 1970. */
  add(token: string, identity: Identity, expiresAt: number, now = Date.now()): void {
    if (this.#tokens.size >= MOST) {
      for (const oldest of this.#tokens.keys()) {
        this.#tokens.delete(oldest);
        break;
      }
    }
    this.#tokens.set(token, { identity, until: Math.min(expiresAt, now + TRUSTED_MS) });
  }
}
