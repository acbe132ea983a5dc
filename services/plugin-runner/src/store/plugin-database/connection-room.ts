import { PlatformError } from '@verifywise/contracts';

/** Four statements of one plugin run side by side; the others wait for them. */
const MOST_OF_ROLE = 4;
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

/** A limited number of sessions for many roles: whoever used his longest ago makes room, and who came first is served first. */
export class ConnectionRoom<S extends Session> {
  readonly #most: number;
  /** In the order in which they got idle, where they are. */
  readonly #held = new Set<Held<S>>();
  readonly #waiting = new Set<Waiting<S>>();
  #closed = false;

  constructor(most: number) {
    this.#most = most;
  }

  /** A session of the role, used before or opened now. Rejects with UNAVAILABLE when none gets free in time. */
  take(place: Place, open: () => Promise<S>): Promise<S> {
    if (this.#closed) return Promise.reject(new PlatformError('STOPPING', 'The runner is stopping; try again'));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(waiting);
        const message = `No database connection got free within ${WAIT_DEADLINE_MS / 1000} s; run fewer statements at a time`;
        reject(new PlatformError('UNAVAILABLE', message));
      }, WAIT_DEADLINE_MS);
      const waiting = { ...place, open, resolve, reject, timer };
      this.#waiting.add(waiting);
      this.#serve();
    });
  }

  giveBack(session: S): void {
    const held = this.#find(session);
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
    const held = this.#find(session);
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

  closeOf(owner: string): void {
    for (const held of this.#of(owner)) this.#drop(held);
    this.#serve();
  }

  close(): void {
    this.#closed = true;
    for (const waiting of this.#waiting) this.#refuse(waiting, new PlatformError('STOPPING', 'The runner is stopping'));
    for (const held of this.#held) this.#drop(held);
  }

  #serve(): void {
    for (const waiting of this.#waiting) {
      const idle = this.#idleOf(waiting.role);
      if (idle) this.#use(idle, waiting);
      else if (this.#mayOpen(waiting.role)) void this.#open(waiting);
    }
  }

  #use(held: Held<S>, waiting: Waiting<S>): void {
    const { session } = held;
    clearTimeout(held.idleTimer);
    held.state = 'used';
    this.#waiting.delete(waiting);
    clearTimeout(waiting.timer);
    if (session) waiting.resolve(session);
  }

  async #open(waiting: Waiting<S>): Promise<void> {
    const { owner, role, open } = waiting;
    const held: Held<S> = { owner, role, state: 'opening' };
    this.#held.add(held);
    this.#waiting.delete(waiting);
    clearTimeout(waiting.timer);
    try {
      const session = await open();
      held.session = session;
      held.state = 'used';
      if (this.#held.has(held)) waiting.resolve(session);
      else {
        session.destroy();
        waiting.reject(new PlatformError('STOPPING', 'The plugin has left this runner'));
      }
    } catch (error) {
      this.#held.delete(held);
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
      // Last in the order of those that get idle.
      this.#held.delete(held);
      this.#held.add(held);
      held.idleTimer = setTimeout(() => this.#drop(held), IDLE_MS).unref();
    }
    this.#serve();
  }

  #mayOpen(role: string): boolean {
    let ofRole = 0;
    for (const held of this.#held) if (held.role === role) ofRole += 1;
    return ofRole < MOST_OF_ROLE && (this.#held.size < this.#most || this.#makeRoom());
  }

  #makeRoom(): boolean {
    for (const held of this.#held) {
      if (held.state !== 'idle') continue;
      this.#drop(held);
      return true;
    }
    return false;
  }

  /** The one used last: the others get old and are closed. */
  #idleOf(role: string): Held<S> | undefined {
    let found: Held<S> | undefined;
    for (const held of this.#held) {
      if (held.role !== role || held.state !== 'idle') continue;
      if (held.session?.broken) this.#drop(held);
      else found = held;
    }
    return found;
  }

  #drop(held: Held<S>): void {
    clearTimeout(held.idleTimer);
    this.#held.delete(held);
    held.session?.destroy();
  }

  #refuse(waiting: Waiting<S>, error: Error): void {
    this.#waiting.delete(waiting);
    clearTimeout(waiting.timer);
    waiting.reject(error);
  }

  #of(owner: string): Held<S>[] {
    return [...this.#held].filter((held) => held.owner === owner);
  }

  #find(session: S): Held<S> | undefined {
    for (const held of this.#held) if (held.session === session) return held;
    return undefined;
  }
}
