import { randomUUID } from 'node:crypto';
import type { Delivery } from '@verifywise/broker';
import type { Logger } from '@verifywise/service-kit';
import type { EventAnswer, HandlerFailure } from '../isolate/protocol.ts';
import { pause } from '../pause.ts';
import { eventOfFact } from './event-names.ts';
import type { EventRetry } from './event-retries.ts';
import { waitMs, wantsMore } from './event-retries.ts';
import type { FailedDeliveries } from './failed-deliveries.ts';
import type { HostedPlugin } from './hosted-plugin.ts';
import { keepTrying } from './keep-trying.ts';
import type { LaneOutcome } from './lane.ts';

/** Between the failing of a process and the pause of its lane lie milliseconds; what comes meanwhile was not given to it. */
const ENDING_AGAIN_MS = 20;

type Failure = Pick<HandlerFailure, 'message' | 'stack'>;

/** Gives events to one plugin, and keeps what it did not take. */
export class EventDelivery {
  readonly #plugin: HostedPlugin;
  readonly #failures: FailedDeliveries;
  readonly #log: Logger;
  /** Of events that wait for their next attempt, by their id. */
  readonly #retries = new Map<string, EventRetry>();

  constructor(plugin: HostedPlugin, failures: FailedDeliveries, log: Logger) {
    this.#plugin = plugin;
    this.#failures = failures;
    this.#log = log;
  }

  /**
   * Done: handled, or failed and kept as a failed delivery, or the plugin was removed. Elsewhere: the plugin left this runner before
   * that. Later: its handlers are to be given it again, and `interrupted` ended the wait for that.
   */
  async deliver(delivery: Delivery, interrupted: AbortSignal): Promise<LaneOutcome> {
    const event = eventOfFact(delivery.envelope.type);
    try {
      return await this.#deliver(event, delivery, interrupted);
    } catch (error) {
      // Whatever it was, this event has failed, and the ones behind it have not.
      this.#log.error({ err: error, event, eventId: delivery.envelope.id }, 'An event could not be delivered');
      this.#retries.delete(delivery.envelope.id);
      return (await this.#keep(event, delivery, [{ message: (error as Error).message }])) ? 'done' : this.#left();
    }
  }

  async #deliver(event: string, delivery: Delivery, interrupted: AbortSignal): Promise<LaneOutcome> {
    const { id } = delivery.envelope;
    for (;;) {
      const { surface } = this.#plugin;
      if (surface && !surface.events.includes(event)) {
        await this.giveUp(delivery);
        return 'done';
      }
      if (this.#plugin.ending) {
        if (interrupted.aborted) return 'later';
        await pause(ENDING_AGAIN_MS, interrupted);
        continue;
      }
      const before = this.#waitingRetry(id);
      const { version } = before;
      const { errors, left } = await this.#attempt(event, delivery, before, interrupted);
      if (this.#plugin.gone && errors.length + left.length > 0) return this.#left();
      const attempts = before.attempts + 1;
      const again = errors.filter((error) => wantsMore(error, attempts));
      const failed = [...again, ...left.map(notCalled)];
      const final = errors.filter((error) => !wantsMore(error, attempts));
      if (!(await this.#keep(event, delivery, final))) return this.#left();
      this.#retries.delete(id);
      if (failed.length === 0) return 'done';
      const retry = { attempts, version, failed };
      this.#retries.set(id, retry);
      const wait = waitMs(retry);
      if (again[0]) {
        const message = `A handler of ${event} failed and is called again in ${wait / 1_000} s: ${again[0].message}`;
        this.#plugin.log('warn', message, { eventId: id, attempts, stack: again[0].stack });
      }
      await pause(wait, interrupted);
      if (this.#plugin.gone) return this.#left();
      if (!interrupted.aborted) continue;
      if (this.#plugin.surface) return 'later';
      // It was disabled meanwhile, and hears nothing any more.
      await this.giveUp(delivery);
      return 'done';
    }
  }

  /** What some handlers wait to be called for again; the handlers of another version are all given it. */
  #waitingRetry(id: string): EventRetry {
    const { version } = this.#plugin.installation;
    const waiting = this.#retries.get(id);
    return waiting?.version === version ? waiting : { attempts: 0, version, failed: [] };
  }

  /** The plugin hears no more of it: what its handlers had failed at is kept as failed. */
  async giveUp(delivery: Delivery): Promise<void> {
    const retry = this.#retries.get(delivery.envelope.id);
    if (!retry) return;
    this.#retries.delete(delivery.envelope.id);
    await this.#keep(eventOfFact(delivery.envelope.type), delivery, retry.failed);
  }

  async #attempt(
    event: string,
    { envelope }: Delivery,
    { failed }: EventRetry,
    interrupted: AbortSignal,
  ): Promise<EventAnswer> {
    const payload = typeof envelope.payload === 'object' && envelope.payload !== null ? envelope.payload : {};
    // Tenant and id come from the envelope: a payload is what somebody wrote.
    const { time: timestamp, source, id: eventId } = envelope;
    const given = { event, payload: { timestamp, source, ...payload, tenant: this.#plugin.tenant, eventId } };
    const errors: HandlerFailure[] = [];
    let handlers = failed.length === 0 ? undefined : failed.map(({ handler }) => handler);
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
      // Without an answer nobody knows whose fault it was, and what ended a process would end the next one.
      return { errors: [...errors, { handler: -1, message: (error as Error).message }], left: [] };
    }
  }

  async #keep(event: string, { envelope }: Delivery, errors: Failure[]): Promise<boolean> {
    const { tenant, pluginId, installation } = this.#plugin;
    for (const { message, stack } of errors) {
      this.#plugin.log('error', `The handler of ${event} failed: ${message}`, { eventId: envelope.id, stack });
      const about = { tenant, pluginId, version: installation.version, event, envelope };
      const failed = { id: randomUUID(), ...about, error: { message, stack } };
      // While the database is away the event waits here, unacknowledged; nothing of it is lost.
      const stored = await keepTrying(this.#plugin, 'A failed delivery', () => this.#failures.add(failed), {
        log: this.#log,
        refused: () => this.#failures.refused(),
      });
      if (!stored) return false;
    }
    return true;
  }

  /** What a plugin failed at because it was leaving is done again where it is next; nobody waits for one that was removed. */
  #left(): LaneOutcome {
    this.#retries.clear();
    return this.#plugin.gone === 'moved' ? 'elsewhere' : 'done';
  }
}

function notCalled(handler: number): HandlerFailure {
  return { handler, message: `Handler ${handler + 1} had not been called when its plugin stopped hearing events` };
}
