/** What a tenant may use in one round before it is the turn of the next. */
export const QUANTUM_MS = 5;
/** More than this is not remembered against a tenant, however long its handlers took. */
const MOST_DEBT_MS = 1_000;
/** How much a turn changes what the next one is thought to take. */
const WEIGHT = 0.2;
/** What the first one is thought to take. */
const FIRST_MS = 1;

/** What one tenant has of the turns of a runner, and what it is owed. */
export class TenantShare<Asking = unknown> {
  readonly tenant: string;
  /** First come, first served. */
  readonly waiting = new Set<Asking>();
  running = 0;
  /** Is in the round of those that get a turn. */
  inRound = false;
  /** What it may still use in this round; below zero, what it has used in advance. */
  balanceMs = 0;
  lastAt = performance.now();
  #expectedMs = FIRST_MS;

  constructor(tenant: string) {
    this.tenant = tenant;
  }

  get idle(): boolean {
    return this.running === 0 && this.waiting.size === 0;
  }

  /** A turn begins; until its length is known it is charged with what the tenant's turns mostly take. */
  begin(): void {
    this.running += 1;
    this.balanceMs -= this.#expectedMs;
  }

  end(tookMs: number): void {
    this.running -= 1;
    this.lastAt = performance.now();
    this.balanceMs = Math.max(-MOST_DEBT_MS, this.balanceMs + this.#expectedMs - tookMs);
    this.#expectedMs += WEIGHT * (tookMs - this.#expectedMs);
  }
}
