import { randomUUID } from 'node:crypto';
import { PlatformError } from '@verifywise/contracts';
import type { Logger } from '@verifywise/service-kit';
import type { HandlerFailure } from '../isolate/protocol.ts';
import { pause } from '../pause.ts';
import { eventOfFact } from './event-names.ts';
import type { EventRetry, FailedHandler } from './event-retries.ts';
import { waitMs, wantsMore } from './event-retries.ts';
import { subjectOf } from './event-subject.ts';
import type { FailedDeliveries } from './failed-deliveries.ts';
import type { FairTurns } from './fair-turns.ts';
import { fingerprintOf } from './failure-fingerprint.ts';
import type { HostedPlugin } from './hosted-plugin.ts';
import { keepTrying } from './keep-trying.ts';
import type { EventOutcomes } from './plugin-condition.ts';
import type { LaneEvent } from './lane-event.ts';
import type { LaneOutcome } from './lane.ts';

/** Between the failing of a process and the pause of its lane lie milliseconds; what comes meanwhile was not given to it. */
const ENDING_AGAIN_MS = 20;

type Failure = Pick<HandlerFailure, 'message' | 'stack' | 'handler'>;

/** What came of calling the handlers of an event once. */
interface Attempt {
  errors: FailedHandler[];
  /** Were not called, because a pause did not wait for them. */
  left: number[];
}

/** Nobody knows which handler it was. */
const ANY_HANDLER = -1;

interface Parts {
  failures: FailedDeliveries;
  /** Keeps what an event waits for, so that the next attempt is made even by another runner. */
  keepRetry: (event: LaneEvent) => void;
  turns: Pick<FairTurns, 'take' | 'wait'>;
  outcomes: Pick<EventOutcomes, 'note'>;
  log: Logger;
}

/** Gives events to one plugin, and keeps what it did not take. */
export class EventDelivery {
  readonly #plugin: HostedPlugin;
  readonly #parts: Parts;

  constructor(plugin: HostedPlugin, parts: Parts) {
    this.#plugin = plugin;
    this.#parts = parts;
  }

  /**
   * Done: handled, or failed and kept as a failed delivery, or the plugin was removed. Elsewhere: the plugin left this runner before
   * that. Later: its handlers are to be given it again, and `interrupted` ended the wait for that.
   */
  async deliver(event: LaneEvent, interrupted: AbortSignal): Promise<LaneOutcome> {
    try {
      return await this.#deliver(event, interrupted);
    } catch (error) {
      // Whatever it was, this event has failed, and the ones behind it have not.
      const { id, type } = event.envelope;
      this.#parts.log.error({ err: error, event: type, eventId: id }, 'An event could not be delivered');
      event.retry = undefined;
      return (await this.#keep(event, [{ handler: ANY_HANDLER, message: (error as Error).message }], 1))
        ? 'done'
        : this.#left();
    }
  }

  async #deliver(event: LaneEvent, interrupted: AbortSignal): Promise<LaneOutcome> {
    const name = eventOfFact(event.envelope.type);
    for (;;) {
      const { surface } = this.#plugin;
      if (surface && !surface.events.includes(name)) {
        await this.giveUp(event);
        return 'done';
      }
      const before = this.#waitingRetry(event);
      if (before.attempts > 0) {
        await pause(Math.max(0, before.dueAt - Date.now()), interrupted);
        if (this.#plugin.gone) return this.#left();
        if (interrupted.aborted) return this.#putOff(event);
      }
      if (this.#plugin.ending) {
        await pause(ENDING_AGAIN_MS, interrupted);
        if (interrupted.aborted) return this.#putOff(event);
        continue;
      }
      const answer = await this.#inTurn(interrupted, () => this.#attempt(name, event, before, interrupted));
      if (!answer) {
        if (this.#plugin.gone) return this.#left();
        if (interrupted.aborted) return this.#putOff(event);
        continue;
      }
      const { errors, left } = answer;
      this.#parts.outcomes.note(errors);
      if (this.#plugin.gone && errors.length + left.length > 0) return this.#left();
      const attempts = before.attempts + 1;
      const again = errors.filter((error) => wantsMore(error, attempts));
      const failed = [...again, ...left.map(notCalled)];
      const final = errors.filter((error) => !wantsMore(error, attempts));
      if (!(await this.#keep(event, final, attempts))) return this.#left();
      event.retry = undefined;
      if (failed.length === 0) return 'done';
      const wait = waitMs({ attempts, failed });
      event.retry = { attempts, version: before.version, failed, dueAt: Date.now() + wait };
      this.#parts.keepRetry(event);
      if (!again[0]) continue;
      const message = again[0].crashed
        ? `The process ended while it handled ${name}; the next one is given the event again: ${again[0].message}`
        : `A handler of ${name} failed and is called again in ${wait / 1_000} s: ${again[0].message}`;
      this.#plugin.log('warn', message, { eventId: event.envelope.id, attempts, stack: again[0].stack });
    }
  }

  /** What some handlers wait to be called for again; the handlers of another version are all given it. */
  #waitingRetry({ retry }: LaneEvent): EventRetry {
    const { version } = this.#plugin.installation;
    return retry?.version === version ? retry : { attempts: 0, version, failed: [], dueAt: 0 };
  }

  /** Its next attempt is for later, unless it was disabled meanwhile, and hears nothing any more. */
  async #putOff(event: LaneEvent): Promise<LaneOutcome> {
    if (this.#plugin.surface) return 'later';
    await this.giveUp(event);
    return 'done';
  }

  /** The plugin hears no more of it: what its handlers had failed at is kept as failed. */
  async giveUp(event: LaneEvent): Promise<void> {
    const { retry } = event;
    if (!retry) return;
    event.retry = undefined;
    await this.#keep(event, retry.failed, retry.attempts);
  }

  /** Calls handlers when it is the turn of their tenant; undefined when they cannot be called any more by then. */
  async #inTurn(interrupted: AbortSignal, attempt: () => Promise<Attempt>): Promise<Attempt | undefined> {
    const { tenant } = this.#plugin;
    const wantsProcessor = () => this.#plugin.wantsProcessor;
    const { turns } = this.#parts;
    const turn = turns.take(tenant, wantsProcessor) ?? (await turns.wait(tenant, wantsProcessor, interrupted));
    if (!turn) return undefined;
    try {
      return this.#plugin.ending ? undefined : await attempt();
    } finally {
      turn.end();
    }
  }

  async #attempt(name: string, event: LaneEvent, { failed }: EventRetry, interrupted: AbortSignal): Promise<Attempt> {
    const { envelope } = event;
    const payload = typeof envelope.payload === 'object' && envelope.payload !== null ? envelope.payload : {};
    // Tenant and id come from the envelope: a payload is what somebody wrote.
    const { time: timestamp, source, id: eventId } = envelope;
    const beside = subjectOf(event, this.#plugin.surface?.orderedBy) !== undefined;
    const given = {
      ...{ event: name, payload: { timestamp, source, ...payload, tenant: this.#plugin.tenant, eventId } },
      ...(beside ? { beside } : {}),
    };
    const errors: FailedHandler[] = [];
    let handlers = handlersOf(failed);
    try {
      for (;;) {
        const answer = await this.#plugin.calls.event({ ...given, ...(handlers ? { handlers } : {}) });
        errors.push(...answer.errors);
        // A pause is not kept waiting by handlers that have not begun.
        if (answer.left.length === 0 || interrupted.aborted) return { errors, left: answer.left };
        // Each answer leaves fewer, unless somebody has forged it.
        if (handlers && answer.left.length >= handlers.length) throw new Error('The plugin calls none of its handlers');
        handlers = answer.left;
      }
    } catch (error) {
      // Without an answer nobody knows whose fault it was.
      const crashed = isEndOfProcess(error) ? { crashed: true as const } : {};
      const { message, code } = error as Partial<PlatformError> & Error;
      return {
        errors: [...errors, { handler: ANY_HANDLER, message, ...(code ? { code } : {}), ...crashed }],
        left: [],
      };
    }
  }

  async #keep({ envelope }: LaneEvent, errors: Failure[], attempts: number): Promise<boolean> {
    const { tenant, pluginId, installation } = this.#plugin;
    const event = eventOfFact(envelope.type);
    for (const { handler, message, stack } of errors) {
      this.#plugin.log('error', `The handler of ${event} failed: ${message}`, { eventId: envelope.id, stack });
      const about = { tenant, pluginId, version: installation.version, event, envelope };
      const fingerprint = fingerprintOf(event, message);
      const failed = { id: randomUUID(), ...about, handler, attempts, fingerprint, error: { message, stack } };
      // While the database is away the event waits here, unacknowledged; nothing of it is lost.
      const stored = await keepTrying(this.#plugin, 'A failed delivery', () => this.#parts.failures.add(failed), {
        log: this.#parts.log,
        refused: () => this.#parts.failures.refused(),
      });
      if (!stored) return false;
    }
    return true;
  }

  /** What a plugin failed at because it was leaving is done again where it is next; nobody waits for one that was removed. */
  #left(): LaneOutcome {
    return this.#plugin.gone === 'moved' ? 'elsewhere' : 'done';
  }
}

/** Ended by itself, or by the platform in the middle of it. */
function isEndOfProcess(error: unknown): boolean {
  return error instanceof PlatformError && (error.code === 'PLUGIN_CRASHED' || error.code === 'UNAVAILABLE');
}

/** All of them, unless it is known which have failed. */
function handlersOf(failed: readonly HandlerFailure[]): number[] | undefined {
  const handlers = failed.map(({ handler }) => handler);
  return handlers.length === 0 || handlers.includes(ANY_HANDLER) ? undefined : handlers;
}

function notCalled(handler: number): HandlerFailure {
  return { handler, message: `Handler ${handler + 1} had not been called when its plugin stopped hearing events` };
}
