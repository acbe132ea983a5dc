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

  event(call: EventCall): Promise<IsolateCalls['event']['answer']> {
    return this.#asked('event', call, this.#callee.handlerLimitMs, `event ${call.event}`);
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
