import { QUANTUM_MS, TenantShare } from './tenant-share.ts';
import type { WantsProcessor } from './turn.ts';
import { Turn } from './turn.ts';

/** While somebody waits; a handler that waits for an answer of its own gives its turn back after two looks. */
const LOOK_EVERY_MS = 20;
/** What a tenant has used in advance is forgotten when it asked for nothing for so long. */
const REMEMBERED_MS = 1_000;

export interface TurnLimits {
  /** So many event handlers run at once, not counting those that wait for something else than a processor. */
  atOnce: number;
  /** So many of one tenant. */
  ofOneTenant: number;
}

interface Asking {
  wantsProcessor: WantsProcessor;
  grant: (turn: Turn) => void;
}

/**
 * Whose event handler begins next, when more want to begin than may run at once: deficit round robin over the tenants by the time that
 * their handlers take, so that a tenant with many events, or with slow ones, costs the others no more than its share. While there is
 * room everybody begins at once.
 */
export class FairTurns {
  readonly #limits: TurnLimits;
  readonly #shares = new Map<string, TenantShare<Asking>>();
  /** The tenants that wait and may have a turn, in the order of the round. */
  #round: TenantShare<Asking>[] = [];
  readonly #turns = new Set<Turn>();
  #waiting = 0;
  #dispatching = false;
  #looking: NodeJS.Timeout | undefined;

  constructor(limits: TurnLimits) {
    this.#limits = limits;
  }

  /** How many handlers have a turn now. */
  get taken(): number {
    return this.#turns.size;
  }

  /** How many wait for one. */
  get waiting(): number {
    return this.#waiting;
  }

  /** A turn at once, when there is room and nobody waits; whoever has it ends it. */
  take(tenant: string, wantsProcessor: WantsProcessor): Turn | undefined {
    if (this.#waiting > 0 || !this.#hasRoom) return undefined;
    const share = this.#shareOf(tenant);
    return share.running < this.#limits.ofOneTenant ? this.#begin(share, wantsProcessor) : undefined;
  }

  /** A turn when it is this tenant's; undefined when it was interrupted before. */
  wait(tenant: string, wantsProcessor: WantsProcessor, interrupted: AbortSignal): Promise<Turn | undefined> {
    if (interrupted.aborted) return Promise.resolve(undefined);
    const share = this.#shareOf(tenant);
    return new Promise((resolve) => {
      const leave = () => {
        this.#remove(share, asking);
        resolve(undefined);
      };
      const asking: Asking = {
        wantsProcessor,
        grant: (turn) => {
          interrupted.removeEventListener('abort', leave);
          resolve(turn);
        },
      };
      interrupted.addEventListener('abort', leave, { once: true });
      this.#add(share, asking);
    });
  }

  get #hasRoom(): boolean {
    return this.#turns.size < this.#limits.atOnce;
  }

  #shareOf(tenant: string): TenantShare<Asking> {
    const share = this.#shares.get(tenant) ?? new TenantShare<Asking>(tenant);
    this.#shares.set(tenant, share);
    return share;
  }

  #begin(share: TenantShare<Asking>, wantsProcessor: WantsProcessor): Turn {
    share.begin();
    const turn = new Turn(wantsProcessor, (ended) => this.#end(ended, share));
    this.#turns.add(turn);
    return turn;
  }

  #end(turn: Turn, share: TenantShare<Asking>): void {
    // A handler that gave its turn back while it waited ends without one.
    if (!this.#turns.delete(turn)) return;
    share.end(turn.tookMs);
    this.#enter(share);
    if (this.#waiting > 0) this.#dispatchSoon();
    else if (share.idle) this.#shares.delete(share.tenant);
  }

  #add(share: TenantShare<Asking>, asking: Asking): void {
    share.waiting.add(asking);
    this.#waiting += 1;
    this.#looking ??= setInterval(() => this.#look(), LOOK_EVERY_MS).unref();
    this.#enter(share);
    this.#dispatchSoon();
  }

  #remove(share: TenantShare<Asking>, asking: Asking): void {
    share.waiting.delete(asking);
    this.#waiting -= 1;
    if (this.#waiting === 0) this.#lookNoMore();
  }

  #enter(share: TenantShare<Asking>): void {
    if (share.inRound || !this.#wants(share)) return;
    share.inRound = true;
    this.#round.push(share);
  }

  #wants({ waiting, running }: TenantShare): boolean {
    return waiting.size > 0 && running < this.#limits.ofOneTenant;
  }

  /** A lane whose event is done asks for its next one first: it is one of those to choose from. */
  #dispatchSoon(): void {
    if (this.#dispatching) return;
    this.#dispatching = true;
    setImmediate(() => {
      this.#dispatching = false;
      this.#dispatch();
    });
  }

  #dispatch(): void {
    while (this.#hasRoom) {
      const share = this.#next();
      const [asking] = share?.waiting ?? [];
      if (!share || !asking) break;
      this.#remove(share, asking);
      asking.grant(this.#begin(share, asking.wantsProcessor));
    }
    if (this.#hasRoom) this.#forgive();
  }

  /** The first in the round that has something left to use. */
  #next(): TenantShare<Asking> | undefined {
    this.#round = this.#round.filter((share) => this.#staysInRound(share));
    if (this.#round.length === 0) return undefined;
    if (!this.#round.some(hasSomething)) this.#letRoundsPass();
    const passed = this.#round.splice(0, this.#round.findIndex(hasSomething));
    for (const share of passed) share.balanceMs += QUANTUM_MS;
    this.#round.push(...passed);
    return this.#round[0];
  }

  #staysInRound(share: TenantShare<Asking>): boolean {
    share.inRound = this.#wants(share);
    // Who has nothing to ask for saves nothing for later.
    if (share.waiting.size === 0) share.balanceMs = Math.min(share.balanceMs, 0);
    return share.inRound;
  }

  /** All have used their share in advance: as many rounds go by as the first of them needs. */
  #letRoundsPass(): void {
    const leastDebt = Math.min(...this.#round.map(({ balanceMs }) => -balanceMs));
    const rounds = Math.floor(leastDebt / QUANTUM_MS) + 1;
    for (const share of this.#round) share.balanceMs += rounds * QUANTUM_MS;
  }

  /** There is room for more: nobody has taken anything from anybody. */
  #forgive(): void {
    for (const share of this.#shares.values()) {
      share.balanceMs = 0;
      if (share.idle) this.#shares.delete(share.tenant);
    }
  }

  #look(): void {
    for (const turn of this.#turns) turn.look();
    const longAgo = performance.now() - REMEMBERED_MS;
    for (const share of this.#shares.values()) {
      if (share.idle && share.lastAt < longAgo) this.#shares.delete(share.tenant);
    }
  }

  #lookNoMore(): void {
    clearInterval(this.#looking);
    this.#looking = undefined;
  }
}

function hasSomething({ balanceMs }: TenantShare): boolean {
  return balanceMs > 0;
}
