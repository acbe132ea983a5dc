import { PlatformError } from '@verifywise/contracts';
import type { EventHandler, EventOptions, PluginContext } from '@verifywise/plugin-types';
import type { EventCall, HandlerFailure } from './protocol.ts';
import { wireError } from './protocol.ts';

type Handler = EventHandler<never>;

interface Heard {
  /** By the order of registration, which is the same in every life of a version. */
  number: number;
  retry: EventOptions['retry'];
}

/** The events behind one that is tried again wait for it. */
const ATTEMPTS_AT_MOST = 20;

/** Which of the plugin's handlers hears which event. */
export class PluginEvents {
  readonly #handlers = new Map<string, Map<Handler, Heard>>();
  #next = 0;
  #changed: () => void = () => undefined;

  /** Calls `changed` whenever the set of heard events grows or shrinks. */
  whenChanged(changed: () => void): void {
    this.#changed = changed;
  }

  add(event: string, handler: Handler, { retry }: EventOptions = {}): void {
    if (retry) assertRetry(event, retry);
    const handlers = this.#handlers.get(event);
    if (handlers?.has(handler)) return;
    const heard = { number: this.#next++, retry };
    if (handlers) {
      handlers.set(handler, heard);
      return;
    }
    this.#handlers.set(event, new Map([[handler, heard]]));
    this.#changed();
  }

  remove(event: string, handler: Handler): void {
    const handlers = this.#handlers.get(event);
    if (!handlers?.delete(handler) || handlers.size > 0) return;
    this.#handlers.delete(event);
    this.#changed();
  }

  clear(): void {
    this.#handlers.clear();
    this.#next = 0;
  }

  names(): string[] {
    return [...this.#handlers.keys()].sort();
  }

  /** Calls every handler of the event, one after the other; one that throws does not keep the next from it. */
  async deliver({ event, payload, handlers }: EventCall, context: PluginContext): Promise<HandlerFailure[]> {
    const errors: HandlerFailure[] = [];
    for (const [handler, { number, retry }] of [...(this.#handlers.get(event) ?? [])]) {
      if (handlers && !handlers.includes(number)) continue;
      try {
        await handler(payload as never, context);
      } catch (error) {
        errors.push({ ...wireError(error), handler: number, ...(retry ? { retry } : {}) });
      }
    }
    return errors;
  }
}

function assertRetry(event: string, { attempts, backoff }: { attempts: unknown; backoff: unknown }): void {
  const { type, delay } = (backoff ?? {}) as { type?: unknown; delay?: unknown };
  const counted = Number.isInteger(attempts) && Number(attempts) >= 1 && Number(attempts) <= ATTEMPTS_AT_MOST;
  const timed = (type === 'fixed' || type === 'exponential') && typeof delay === 'number' && delay >= 0;
  if (counted && timed) return;
  throw new PlatformError(
    'EVENT_INVALID',
    `retry of a handler of ${event} needs attempts from 1 to ${ATTEMPTS_AT_MOST}, and a backoff such as {"type": "exponential", "delay": 1000}`,
  );
}
