import type { SurfaceMiddleware } from '@verifywise/contracts';
import { PlatformError, readPattern } from '@verifywise/contracts';
import type { MiddlewareApi, MiddlewareEntry } from '@verifywise/plugin-types';
import type { Exchanges } from './middleware/exchange.ts';
import { requestOf, responseOf, stateOf } from './middleware/exchange-state.ts';
import type { HandlerEnd, MiddlewareHandler } from './middleware/run-handler.ts';
import { runHandler } from './middleware/run-handler.ts';
import type { IsolateSetup, LogLevel, MiddlewareAnswer, MiddlewareCall, WireError } from './protocol.ts';
import { wireError } from './protocol.ts';

type Log = (level: LogLevel, message: string, meta?: unknown) => void;

interface Entry extends SurfaceMiddleware {
  handler: MiddlewareHandler;
}

/** The plugin's middleware, in the order it was added. */
export class PluginMiddleware {
  readonly #context: Pick<IsolateSetup, 'pluginId' | 'tenant'>;
  readonly #log: Log;
  readonly #entries = new Map<string, Entry>();
  #nextId = 1;
  #changed: () => void = () => undefined;
  #exchanges: Promise<Exchanges> | undefined;

  constructor({ pluginId, tenant }: Pick<IsolateSetup, 'pluginId' | 'tenant'>, log: Log) {
    this.#context = { pluginId, tenant };
    this.#log = log;
  }

  /** Calls `changed` whenever middleware comes or goes. */
  whenChanged(changed: () => void): void {
    this.#changed = changed;
  }

  add(...[pattern, position, handler, options]: Parameters<MiddlewareApi['add']>): string {
    readPattern(pattern);
    if (!['before', 'after'].includes(position)) invalid(pattern, 'its position is "before" or "after"');
    if (typeof handler !== 'function') invalid(pattern, 'its handler is no function');
    const failClosed: unknown = (options as { failClosed?: unknown } | null | undefined)?.failClosed ?? false;
    if (typeof failClosed !== 'boolean') invalid(pattern, 'failClosed is true or false');
    const id = `middleware-${this.#nextId++}`;
    this.#entries.set(id, { id, pattern, position, failClosed, handler });
    // Before the first request comes: it would wait for Express to load.
    void this.#open();
    this.#changed();
    return id;
  }

  remove(id: string): boolean {
    const removed = this.#entries.delete(id);
    if (removed) this.#changed();
    return removed;
  }

  clear(): number {
    const removed = this.#entries.size;
    this.#entries.clear();
    if (removed > 0) this.#changed();
    return removed;
  }

  list(): MiddlewareEntry[] {
    return this.entries();
  }

  has(id: string): boolean {
    return this.#entries.has(id);
  }

  entries(): SurfaceMiddleware[] {
    return [...this.#entries.values()].map(({ id, pattern, position, failClosed }) => {
      return { id, pattern, position, failClosed };
    });
  }

  /** Runs what matches one after the other, until one answers; one that fails leaves nothing of what it did behind. */
  async run(call: MiddlewareCall): Promise<MiddlewareAnswer> {
    const until = performance.now() + call.deadlineMs;
    const exchanges = await this.#open();
    const failures: WireError[] = [];
    let state = stateOf(call);
    for (const { id, params } of call.entries) {
      // Removed since the runner has looked, it has no say any more.
      const entry = this.#entries.get(id);
      if (!entry) continue;
      const end = await this.#runEntry(entry, Math.min(call.limitMs, until - performance.now()), (ended) =>
        exchanges.open(state, { call, params, tenant: this.#context.tenant, ended, dropped: this.#dropped(entry) }),
      );
      if (end.kind === 'failed') {
        failures.push(wireError(end.error));
        if (entry.failClosed) return { kind: 'refuse', failures };
        continue;
      }
      state = end.state;
      if (end.kind === 'answered') return { kind: 'respond', response: responseOf(state), state: state.own, failures };
    }
    const touched = state.response.status !== 200 || Object.keys(state.response.headers).length > 0;
    const response = call.phase === 'after' || touched ? { response: responseOf(state) } : {};
    return { kind: 'continue', request: requestOf(state), ...response, state: state.own, failures };
  }

  #runEntry(
    { handler, pattern }: Entry,
    limitMs: number,
    open: (ended: () => void) => ReturnType<Exchanges['open']>,
  ): Promise<HandlerEnd> {
    const late = (error: unknown) =>
      this.#log('error', `The middleware for ${pattern} threw after it had gone on or answered`, error);
    return runHandler({ handler, context: this.#context, limitMs, open, late });
  }

  #dropped({ pattern }: Entry) {
    return (name: string, why: string) =>
      this.#log('warn', `req.${name}, set by the middleware for ${pattern}, was not kept: ${why}`);
  }

  /** Express is half of an isolate's start-up time, and most plugins have no middleware. */
  #open(): Promise<Exchanges> {
    this.#exchanges ??= import('./middleware/exchange.ts').then((loaded) => new loaded.Exchanges());
    return this.#exchanges;
  }
}

function invalid(pattern: string, why: string): never {
  throw new PlatformError('MIDDLEWARE_INVALID', `The middleware for ${pattern} was not added: ${why}`);
}
