import { AsyncLocalStorage } from 'node:async_hooks';
import type { SurfaceFilter } from '@verifywise/contracts';
import { FILTER_DATA_LIMIT_BYTES, PlatformError } from '@verifywise/contracts';
import type { FilterData, FilterHandler, PluginContext } from '@verifywise/plugin-types';
import { inTime } from './in-time.ts';
import type { FilterAnswer, FilterCall } from './protocol.ts';
import { wireError } from './protocol.ts';
import type { RunnerChannel } from './runner-channel.ts';

const LONGEST_NAME = 200;

interface Entry extends SurfaceFilter {
  handler: FilterHandler<never>;
}

/** Which of the plugin's handlers changes which filter's data. */
export class PluginFilters {
  #entries: Entry[] = [];
  #nextId = 1;
  #changed: () => void = () => undefined;
  /** The filters that are being run around the plugin's code at this place, so that a filter that applies itself comes to an end. */
  readonly #within = new AsyncLocalStorage<string[]>();

  /** Calls `changed` whenever a handler comes, goes or changes its place. */
  whenChanged(changed: () => void): void {
    this.#changed = changed;
  }

  add(filter: string, handler: FilterHandler<never>, priority = 10): void {
    assertName(filter);
    if (typeof handler !== 'function') invalid(`the handler of ${filter} is no function`);
    if (!Number.isFinite(priority)) invalid(`the priority of a handler of ${filter} is no number`);
    const known = this.#entries.find((entry) => entry.name === filter && entry.handler === handler);
    if (known?.priority === priority) return;
    if (known) known.priority = priority;
    else this.#entries.push({ id: this.#nextId++, name: filter, priority, handler });
    this.#changed();
  }

  remove(filter: string, handler: FilterHandler<never>): void {
    const left = this.#entries.filter((entry) => entry.name !== filter || entry.handler !== handler);
    if (left.length === this.#entries.length) return;
    this.#entries = left;
    this.#changed();
  }

  clear(): void {
    this.#entries = [];
    this.#changed();
  }

  /** In the order in which they were added. */
  entries(): SurfaceFilter[] {
    return this.#entries.map(({ id, name, priority }) => ({ id, name, priority }));
  }

  /** Has the runner run the filter over all plugins of the tenant. */
  async apply<Data extends FilterData>(channel: RunnerChannel, filter: string, data: Data): Promise<Data> {
    assertName(filter);
    const own = carried(data, (why) => {
      invalid(`the data of ${filter} ${why}`);
    });
    return (await channel.ask('filters.apply', filter, own, this.#within.getStore() ?? [])) as Data;
  }

  /** Runs the handlers one after the other; one that fails or is late is left out, and the last good value goes on. */
  async run(call: FilterCall, context: PluginContext): Promise<FilterAnswer> {
    const { filter, handlers, limitMs, deadlineMs, within } = call;
    const until = performance.now() + deadlineMs;
    const outcome: FilterAnswer = { data: call.data, applied: 0, errors: [] };
    for (const id of handlers) {
      // Removed since the runner has looked, it has no say any more.
      const entry = this.#entries.find((candidate) => candidate.id === id && candidate.name === filter);
      if (!entry) continue;
      try {
        // Its own copy: what it changes before it fails, or after it was given up, must not reach the next handler.
        const own = structuredClone(outcome.data);
        const handler = entry.handler as (data: unknown, context: PluginContext) => unknown;
        const handle = () =>
          this.#within.run([...within, filter], () => new Promise((resolve) => resolve(handler(own, context))));
        const patienceMs = Math.min(limitMs, until - performance.now());
        if (patienceMs <= 0) throw new PlatformError('HANDLER_TIMED_OUT', 'No time was left for the handler');
        const late = () => `The handler did not finish within ${Math.round(patienceMs)} ms and was left out`;
        const result = await inTime(handle, patienceMs, late);
        outcome.data = carried(result, (why) => {
          throw new PlatformError('HANDLER_FAILED', `A handler of ${filter} was left out: what it returned ${why}`);
        });
        outcome.applied += 1;
      } catch (error) {
        outcome.errors.push(wireError(error));
      }
    }
    return outcome;
  }
}

/** A copy as it crosses to other plugins and to the platform: a plain object that JSON can carry. */
function carried(data: unknown, refuse: (why: string) => never): Record<string, unknown> {
  if (data === undefined) refuse('is undefined; a handler returns the data, changed or not');
  if (typeof data !== 'object' || data === null || Array.isArray(data)) refuse('is no object');
  let copy: unknown;
  let bytes: number;
  try {
    copy = structuredClone(data);
    bytes = Buffer.byteLength(JSON.stringify(copy));
  } catch (error) {
    return refuse(`cannot be carried to other plugins: ${(error as Error).message}`);
  }
  if (Object.prototype.toString.call(copy) !== '[object Object]') refuse('is no plain object');
  if (bytes > FILTER_DATA_LIMIT_BYTES) refuse(`has ${bytes} bytes; at most ${FILTER_DATA_LIMIT_BYTES} are carried`);
  return copy as Record<string, unknown>;
}

function assertName(filter: unknown): asserts filter is string {
  if (typeof filter !== 'string' || filter.trim() === '' || filter.length > LONGEST_NAME)
    invalid(`a filter's name is a text of at most ${LONGEST_NAME} characters, for instance risk:before_save`);
}

function invalid(why: string): never {
  throw new PlatformError('FILTER_INVALID', `The filter was not taken: ${why}`);
}
