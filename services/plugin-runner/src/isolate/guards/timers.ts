import timers from 'node:timers';
import timersPromises from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Anything } from './replace.ts';
import { passOn, replace } from './replace.ts';

/** Looking through this few timers costs nothing. */
const FEW = 1_024;

/**
 * The timers that plugin code set and that have yet to fire, unref'd ones too: Node knows only of those that keep a process alive.
 * Timers are held weakly, and the list is looked through whenever it has doubled, so that a million short ones leave nothing behind.
 */
export class PluginTimers {
  #set: WeakRef<NodeJS.Timeout>[] = [];
  #lookThroughAt = FEW;
  #awaited = 0;
  #ours = 0;

  count(): number {
    this.#lookThrough();
    return this.#set.length + this.#awaited;
  }

  /** Replaces the timer functions of this process by such that are counted. */
  install(): void {
    for (const name of ['setTimeout', 'setInterval'] as const) {
      const counted = this.#counted(timers[name]);
      replace(timers, name, () => counted);
      replace(globalThis, name, () => counted);
    }
    this.#countRefresh();
    for (const name of ['setTimeout', 'setImmediate'] as const) {
      replace(timersPromises, name, (original) => this.#countAwaited(original));
    }
    replace(timersPromises.scheduler, 'wait', (original) => this.#countAwaited(original));
    replace(timersPromises, 'setInterval', (original) => this.#countTicks(original));
    const custom = { get: () => timersPromises.setTimeout, enumerable: true, configurable: true };
    Object.defineProperty(timers.setTimeout, promisify.custom, custom);
  }

  /** Until `endOurs`, what is set is the isolate's. */
  beginOurs(): void {
    this.#ours += 1;
  }

  endOurs(): void {
    this.#ours -= 1;
  }

  #add(timer: NodeJS.Timeout): void {
    if (this.#ours > 0) return;
    this.#set.push(new WeakRef(timer));
    if (this.#set.length >= this.#lookThroughAt) this.#lookThrough();
  }

  #lookThrough(): void {
    // One that fired and was refreshed since has been added twice.
    const waiting = new Set<NodeJS.Timeout>();
    this.#set = this.#set.filter((reference) => {
      const timer = reference.deref();
      if (!timer || !isWaiting(timer) || waiting.has(timer)) return false;
      return waiting.add(timer);
    });
    this.#lookThroughAt = Math.max(FEW, 2 * this.#set.length);
  }

  #counted(original: Anything): Anything {
    return (...args) => {
      const timer = original(...args) as NodeJS.Timeout;
      this.#add(timer);
      return timer;
    };
  }

  /** A timer that has fired waits again after `refresh()`. */
  #countRefresh(): void {
    const timer = setTimeout(() => undefined);
    clearTimeout(timer);
    const add = (refreshed: NodeJS.Timeout) => this.#add(refreshed);
    replace(Object.getPrototypeOf(timer) as object, 'refresh', (original) => {
      return function refresh(this: NodeJS.Timeout) {
        const waited = isWaiting(this);
        passOn(original, this, []);
        if (!waited) add(this);
        return this;
      };
    });
  }

  #countAwaited(original: Anything) {
    const waiting = (by: number) => (this.#awaited += by);
    return function awaited(this: unknown, ...args: never[]) {
      const answer = passOn(original, this, args) as Promise<unknown>;
      waiting(1);
      return answer.finally(() => waiting(-1));
    };
  }

  #countTicks(original: Anything) {
    const waiting = (by: number) => (this.#awaited += by);
    return async function* ticks(...args: never[]) {
      waiting(1);
      try {
        yield* original(...args) as AsyncIterable<unknown>;
      } finally {
        waiting(-1);
      }
    };
  }
}

/** Node marks a timer that has fired or was cleared, and has no public name for it. */
function isWaiting(timer: NodeJS.Timeout): boolean {
  return !(timer as unknown as { _destroyed: boolean })._destroyed;
}
