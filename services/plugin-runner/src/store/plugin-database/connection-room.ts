import { PlatformError } from '@verifywise/contracts';

/** Four statements of one plugin run side by side; the others wait for them, unless there are too many of them. */
const MOST_OF_ROLE = 4;
const MOST_WAITING_OF_ROLE = 1_000;
const IDLE_MS = 10_000;
/** Longer than a busy moment, shorter than what a plugin waits for the runner. */
const WAIT_DEADLINE_MS = 10_000;

/** Something that can be taken by one at a time, and be used again by the same role. */
export interface Session {
  readonly broken: boolean;
  /** Back to the beginning; rejects when it is of no more use. */
  clean(): Promise<void>;
  destroy(): void;
}

export interface Place {
  /** Whose sessions are closed together. */
  owner: string;
  /** Whose sessions are alike. */
  role: string;
}

interface Held<S> extends Place {
  state: 'opening' | 'used' | 'cleaning' | 'idle';
  session?: S;
  /** Not to be used again. */
  retired?: true;
  idleTimer?: NodeJS.Timeout;
}

interface Waiting<S> extends Place {
  open: () => Promise<S>;
  resolve(session: S): void;
  reject(error: unknown): void;
  timer: NodeJS.Timeout;
}

/**
 * A limited number of sessions for many roles: whoever used his longest ago makes room. Those who wait are served role by role in turn,
 * each role's in the order in which they came, so that many of one role keep nobody else waiting.
 */
export class ConnectionRoom<S extends Session> {
  readonly #most: number;
  readonly #held = new Set<Held<S>>();
  /** Those of #held that nobody uses, in the order in which they got idle. */
  readonly #idle = new Set<Held<S>>();
  readonly #bySession = new Map<S, Held<S>>();
  readonly #heldOfRole = new Map<string, number>();
  /** Roles in the order in which they are served next; one without waiters is not kept. */
  readonly #waiting = new Map<string, Set<Waiting<S>>>();
  #closed = false;

  constructor(most: number) {
    this.#most = most;
  }

  /** A session of the role, used before or opened now. Rejects with UNAVAILABLE when none gets free in time, with BUSY when too many wait. */
  take(place: Place, open: () => Promise<S>): Promise<S> {
    if (this.#closed) return Promise.reject(new PlatformError('STOPPING', 'The runner is stopping; try again'));
    const others = this.#waiting.get(place.role)?.size ?? 0;
    if (others >= MOST_WAITING_OF_ROLE) {
      const message = `${others} statements of the plugin wait for a database connection; run fewer at a time`;
      return Promise.reject(new PlatformError('BUSY', message));
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const message = `No database connection got free within ${WAIT_DEADLINE_MS / 1000} s; run fewer statements at a time`;
        this.#refuse(waiting, new PlatformError('UNAVAILABLE', message));
      }, WAIT_DEADLINE_MS);
      const waiting: Waiting<S> = { ...place, open, resolve, reject, timer };
      this.#join(waiting);
      // Those of its role that came before it cannot be served now either.
      if (others === 0) this.#serve();
    });
  }

  giveBack(session: S): void {
    const held = this.#bySession.get(session);
    if (!held) return;
    if (session.broken || held.retired) {
      this.discard(session);
      return;
    }
    held.state = 'cleaning';
    session.clean().then(
      () => this.#rest(held),
      () => this.discard(session),
    );
  }

  discard(session: S): void {
    const held = this.#bySession.get(session);
    if (held) this.#drop(held);
    this.#serve();
  }

  /** Those in use are finished, and not used again. */
  retire(owner: string): void {
    for (const held of this.#of(owner)) {
      held.retired = true;
      if (held.state === 'idle') this.#drop(held);
    }
    this.#serve();
  }

  /** Nothing of the owner goes on: what is open is destroyed, and who waits is refused. */
  closeOf(owner: string): void {
    for (const ofRole of [...this.#waiting.values()])
      for (const waiting of ofRole) if (waiting.owner === owner) this.#refuse(waiting, ownerLeft());
    for (const held of this.#of(owner)) this.#drop(held);
    this.#serve();
  }

  close(): void {
    this.#closed = true;
    for (const ofRole of [...this.#waiting.values()])
      for (const waiting of ofRole) this.#refuse(waiting, new PlatformError('STOPPING', 'The runner is stopping'));
    for (const held of this.#held) this.#drop(held);
  }

  #serve(): void {
    // A role that was served is put at the end and comes up again; one that cannot be served is passed.
    for (const [role, ofRole] of this.#waiting) {
      if (this.#idle.size === 0 && this.#held.size >= this.#most) return;
      const [first] = ofRole;
      if (!first || !this.#serveOne(first)) continue;
      if (this.#waiting.delete(role) && ofRole.size > 0) this.#waiting.set(role, ofRole);
    }
  }

  #serveOne(waiting: Waiting<S>): boolean {
    const idle = this.#idleOf(waiting.role);
    if (idle) this.#use(idle, waiting);
    else if (this.#mayOpen(waiting.role)) void this.#open(waiting);
    else return false;
    return true;
  }

  #use(held: Held<S>, waiting: Waiting<S>): void {
    const { session } = held;
    clearTimeout(held.idleTimer);
    held.state = 'used';
    this.#idle.delete(held);
    this.#leave(waiting);
    if (session) waiting.resolve(session);
  }

  async #open(waiting: Waiting<S>): Promise<void> {
    const { owner, role, open } = waiting;
    const held: Held<S> = { owner, role, state: 'opening' };
    this.#held.add(held);
    this.#heldOfRole.set(role, (this.#heldOfRole.get(role) ?? 0) + 1);
    this.#leave(waiting);
    try {
      const session = await open();
      held.session = session;
      if (this.#held.has(held)) this.#bySession.set(session, held);
      held.state = 'used';
      if (this.#held.has(held)) waiting.resolve(session);
      else {
        session.destroy();
        waiting.reject(ownerLeft());
      }
    } catch (error) {
      this.#drop(held);
      waiting.reject(error);
      this.#serve();
    }
  }

  #rest(held: Held<S>): void {
    if (!this.#held.has(held)) return;
    if (held.retired || held.session?.broken) {
      this.#drop(held);
    } else {
      held.state = 'idle';
      this.#idle.add(held);
      held.idleTimer = setTimeout(() => this.#drop(held), IDLE_MS).unref();
    }
    this.#serve();
  }

  #mayOpen(role: string): boolean {
    if ((this.#heldOfRole.get(role) ?? 0) >= MOST_OF_ROLE) return false;
    return this.#held.size < this.#most || this.#makeRoom();
  }

  #makeRoom(): boolean {
    const [oldest] = this.#idle;
    if (oldest) this.#drop(oldest);
    return oldest !== undefined;
  }

  /** The one used last: the others get old and are closed. */
  #idleOf(role: string): Held<S> | undefined {
    let found: Held<S> | undefined;
    for (const held of this.#idle) {
      if (held.role !== role) continue;
      if (held.session?.broken) this.#drop(held);
      else found = held;
    }
    return found;
  }

  #drop(held: Held<S>): void {
    clearTimeout(held.idleTimer);
    this.#idle.delete(held);
    if (this.#held.delete(held)) {
      const left = (this.#heldOfRole.get(held.role) ?? 1) - 1;
      if (left > 0) this.#heldOfRole.set(held.role, left);
      else this.#heldOfRole.delete(held.role);
    }
    if (!held.session) return;
    this.#bySession.delete(held.session);
    held.session.destroy();
  }

  #join(waiting: Waiting<S>): void {
    const ofRole = this.#waiting.get(waiting.role) ?? new Set();
    this.#waiting.set(waiting.role, ofRole.add(waiting));
  }

  #leave(waiting: Waiting<S>): void {
    clearTimeout(waiting.timer);
    const ofRole = this.#waiting.get(waiting.role);
    ofRole?.delete(waiting);
    if (ofRole?.size === 0) this.#waiting.delete(waiting.role);
  }

  #refuse(waiting: Waiting<S>, error: Error): void {
    this.#leave(waiting);
    waiting.reject(error);
  }

  #of(owner: string): Held<S>[] {
    return [...this.#held].filter((held) => held.owner === owner);
  }
}

/** What its owner asked for after it has ended. */
export function ownerLeft(): PlatformError {
  return new PlatformError('STOPPING', 'The plugin has left this runner');
}
