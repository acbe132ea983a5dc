import type {
  EventCall,
  FilterAnswer,
  FilterCall,
  IsolateCalls,
  JobCall,
  MiddlewareAnswer,
  MiddlewareCall,
} from '../isolate/protocol.ts';
import type { IsolateDoor } from './isolate-door.ts';
import type { PluginIsolate } from './plugin-isolate.ts';
import type { PluginUses } from './plugin-uses.ts';

/**
 * An isolate limits each handler of an event itself and answers within twice the limit, however many there are: it begins none after
 * the first limit, and none takes longer than another. Behind it the runner waits this much longer; who is not back by then has tampered
 * with its own clock, or its machine has stood still, and its event has failed.
 */
const LATE_ISOLATE_MS = 1_000;

interface Callee {
  /** Its isolate while it is enabled; throws when it is not. */
  enabled: () => PluginIsolate;
  uses: PluginUses;
  handlerLimitMs: number;
}

/** What an enabled plugin is asked to do; it counts as used until it has answered. */
export class PluginCalls {
  readonly #callee: Callee;

  constructor(callee: Callee) {
    this.#callee = callee;
  }

  event(call: Omit<EventCall, 'limitMs'>): Promise<IsolateCalls['event']['answer']> {
    const { handlerLimitMs: limitMs } = this.#callee;
    return this.#asked('event', { ...call, limitMs }, 2 * limitMs + LATE_ISOLATE_MS, `event ${call.event}`);
  }

  job(call: JobCall, limitMs: number): Promise<'done' | 'no-handler'> {
    return this.#asked('job', call, limitMs, `job ${call.schedule}`);
  }

  filter(call: FilterCall, limitMs: number): Promise<FilterAnswer> {
    return this.#asked('filter', call, limitMs, `filter ${call.filter}`);
  }

  middleware(call: MiddlewareCall, limitMs: number): Promise<MiddlewareAnswer> {
    return this.#asked('middleware', call, limitMs, `middleware ${call.phase}`);
  }

  /** Has something asked of the isolate's HTTP; `what` names it where a failure is told. */
  async request<Answer>(what: string, ask: (door: IsolateDoor) => Promise<Answer>): Promise<Answer> {
    const { enabled, uses } = this.#callee;
    return uses.until(ask(enabled().door), what);
  }

  async #asked<Call extends keyof IsolateCalls>(
    call: Call,
    request: IsolateCalls[Call]['request'],
    limitMs: number,
    what: string,
  ): Promise<IsolateCalls[Call]['answer']> {
    const { enabled, uses } = this.#callee;
    return uses.until(enabled().running.call(call, request, limitMs), what);
  }
}
