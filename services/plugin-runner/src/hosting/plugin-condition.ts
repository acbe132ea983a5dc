import type { HandlerFailure } from '../isolate/protocol.ts';

/** How a plugin gets on with its events: who is to look, its author or whoever runs what it calls. */
export type PluginCondition = 'ok' | 'slow' | 'broken' | 'dependency-down';

/** So many events say how it gets on. */
const LOOKED_AT = 10;
/** What was longer ago says nothing of now. */
const RECENT_MS = 5 * 60_000;
/** Events that wait for so long wait for their plugin: what is quick is done in less. */
const LONG_WAIT_MS = 10_000;

/** What Node, its fetch, PostgreSQL's driver and this platform say when somebody cannot be reached or does not answer. */
const NOT_REACHED =
  /^(ECONN\w+|ENOTFOUND|EAI_\w+|ETIMEDOUT|EHOST\w+|ENET\w+|EPIPE|UND_ERR_\w+|UNAVAILABLE|UPSTREAM_FAILED|57P\d\d|53\d{3}|08\w{3})$/;

type Outcome = { at: number; cause: Exclude<PluginCondition, 'ok'> | undefined };

/** What became of the last events of one plugin, as far as this runner has given them to it. */
export class EventOutcomes {
  #last: Outcome[] = [];

  /** The handlers of an event have answered; these of them have failed. */
  note(errors: readonly HandlerFailure[]): void {
    this.#last = [...this.#last.slice(1 - LOOKED_AT), { at: Date.now(), cause: errors[0] && causeOf(errors[0]) }];
  }

  /** `oldestEventAt`: when the first event that waits was sent. */
  condition(oldestEventAt: string | undefined, now = Date.now()): PluginCondition {
    const recent = this.#last.filter(({ at }) => now - at < RECENT_MS);
    const failed = recent.flatMap(({ cause }) => cause ?? []);
    if (failed.length > 0 && failed.length * 2 >= recent.length) return mostOf(failed);
    const waitsFor = oldestEventAt === undefined ? 0 : now - Date.parse(oldestEventAt);
    return waitsFor > LONG_WAIT_MS ? 'slow' : 'ok';
  }
}

function causeOf({ code, causeCode }: HandlerFailure): Exclude<PluginCondition, 'ok'> {
  if (code === 'HANDLER_TIMED_OUT') return 'slow';
  return NOT_REACHED.test(code ?? '') || NOT_REACHED.test(causeCode ?? '') ? 'dependency-down' : 'broken';
}

/** The most frequent one; of two that are as frequent the one that came last. */
function mostOf<Cause>(causes: Cause[]): Cause {
  const count = (cause: Cause) => causes.filter((other) => other === cause).length;
  return causes.reduceRight((most, cause) => (count(cause) > count(most) ? cause : most));
}
