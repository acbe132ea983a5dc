import { PlatformError } from '@verifywise/contracts';
import type { EventHandler, EventOptions, PluginContext } from '@verifywise/plugin-types';
import { inTime } from './in-time.ts';
import type { EventAnswer, EventCall, HandlerFailure } from './protocol.ts';
import { wireError } from './protocol.ts';
import { ATTEMPTS_AT_MOST, retryOf } from './retry.ts';

type Handler = EventHandler<never>;

interface Heard {
  /** By the order of registration, which is the same in every life of a version. */
  number: number;
  retry: EventOptions['retry'];
  orderedBy: EventOptions['orderedBy'];
}

/** Longer names of fields are a mistake. */
const FIELD = /^[A-Za-z_][A-Za-z0-9_]{0,99}$/;

/** Which of the plugin's handlers hears which event. */
export class PluginEvents {
  readonly #handlers = new Map<string, Map<Handler, Heard>>();
  #next = 0;
  #delivered = 0;
  #changed: () => void = () => undefined;

  /** Calls `changed` whenever the set of heard events grows or shrinks. */
  whenChanged(changed: () => void): void {
    this.#changed = changed;
  }

  add(event: string, handler: Handler, options: EventOptions = {}): void {
    const retry = options.retry ? copied(event, options.retry) : undefined;
    const orderedBy = options.orderedBy === undefined ? undefined : fieldOf(event, options.orderedBy);
    const handlers = this.#handlers.get(event) ?? new Map<Handler, Heard>();
    if (handlers.has(handler)) return;
    const before = commonField(handlers);
    handlers.set(handler, { number: this.#next++, retry, orderedBy });
    this.#handlers.set(event, handlers);
    if (handlers.size === 1 || commonField(handlers) !== before) this.#changed();
  }

  remove(event: string, handler: Handler): void {
    const handlers = this.#handlers.get(event) ?? new Map<Handler, Heard>();
    const before = commonField(handlers);
    if (!handlers.delete(handler)) return;
    if (handlers.size === 0) this.#handlers.delete(event);
    if (handlers.size === 0 || commonField(handlers) !== before) this.#changed();
  }

  clear(): void {
    this.#handlers.clear();
    this.#next = 0;
  }

  names(): string[] {
    return [...this.#handlers.keys()].sort();
  }

  /** The field of each event by which alone its handlers want them in order. */
  orderedBy(): Record<string, string> {
    const fields = [...this.#handlers].map(([event, handlers]) => [event, commonField(handlers)] as const);
    return Object.fromEntries(fields.filter((field): field is [string, string] => field[1] !== undefined));
  }

  /**
   * Calls the handlers of the event one after the other; one that throws or is late does not keep the next from it. After `limitMs` it
   * begins none any more and says which are left, so that its answer never takes longer than twice that, however many there are.
   */
  async deliver(
    { event, payload, handlers, limitMs, beside }: EventCall,
    context: PluginContext,
  ): Promise<EventAnswer> {
    const errors: HandlerFailure[] = [];
    const began = performance.now();
    let late = false;
    const delivery = beside ? undefined : (this.#delivered += 1);
    const called = [...(this.#handlers.get(event) ?? [])].filter(
      ([, { number }]) => !handlers || handlers.includes(number),
    );
    for (const [index, [handler, { number, retry }]] of called.entries()) {
      // The runner has given this one up if it has sent another: the handlers of two events do not take turns unless they may.
      if (delivery !== undefined && delivery !== this.#delivered) break;
      // A timer may end a fraction of a millisecond before its time: a late handler has used up the limit whatever the clock says.
      if (late || performance.now() - began >= limitMs)
        return { errors, left: called.slice(index).map(([, { number: left }]) => left) };
      try {
        const handle = () => new Promise((resolve) => resolve(handler(payload as never, context)));
        await inTime(handle, limitMs, () => `${nameOf(handler, number)} did not finish within ${limitMs / 1_000} s`);
      } catch (error) {
        const failure = wireError(error);
        late = failure.code === 'HANDLER_TIMED_OUT';
        // One that is late is still at it, and is not called again beside itself.
        const again = retry && !late ? { retry } : {};
        errors.push({ ...failure, handler: number, ...again });
      }
    }
    return { errors, left: [] };
  }
}

function copied(event: string, said: unknown): EventOptions['retry'] {
  const retry = retryOf(said);
  if (retry) return retry;
  throw new PlatformError(
    'EVENT_INVALID',
    `retry of a handler of ${event} needs attempts from 1 to ${ATTEMPTS_AT_MOST}, and a backoff such as {"type": "exponential", "delay": 1000}`,
  );
}

function fieldOf(event: string, said: unknown): string {
  if (typeof said === 'string' && FIELD.test(said)) return said;
  throw new PlatformError(
    'EVENT_INVALID',
    `orderedBy of a handler of ${event} needs the name of a field, such as "riskId"`,
  );
}

/** The field that all of them name; undefined when they do not agree, or one of them wants every event in order. */
function commonField(handlers: Map<Handler, Heard>): string | undefined {
  const fields = new Set([...handlers.values()].map(({ orderedBy }) => orderedBy));
  return fields.size === 1 ? [...fields][0] : undefined;
}

/** As its author finds it: by its place among all handlers, and the name of its function where that has one. */
function nameOf(handler: Handler, number: number): string {
  const { name } = handler as { name: unknown };
  return `Handler ${number + 1}${typeof name === 'string' && name !== '' ? ` (${name})` : ''}`;
}
