import { setTimeout as pause } from 'node:timers/promises';
import type { Question } from '@verifywise/contracts';
import { PlatformError } from '@verifywise/contracts';
import type { BrokerLink } from '../broker-link.ts';
import type { Log } from '../log.ts';
import { CircuitBreaker, type CircuitBreakerOptions } from './circuit-breaker.ts';

/** Asks the runner that owns a tenant, for as long as that makes sense. */
export type TenantAsking = <P, A>(
  question: Question<P, A>,
  about: { tenant: string; payload: P; correlationId?: string },
  deadlineMs: number,
) => Promise<A>;

/** Nobody was asked, because nobody would have answered; why has been said in the log once already. */
export class NotAskedError extends PlatformError {}

/** A tenant that moves to another runner is there within some of these. */
const ASK_AGAIN_MS = 20;
/** What says that nobody answered, and not that something was wrong with what was asked. */
const NOBODY_ANSWERED = ['ASK_TIMED_OUT', 'TIMED_OUT', 'NO_RUNNER', 'UNAVAILABLE', 'STOPPING', 'NOT_THE_OWNER'];

/**
 * Rejects at once while RabbitMQ is away, and for some seconds after the tenant's owner has not answered several times in a row: then
 * nobody waits for what will not come. A tenant that has just moved is asked again where it is now.
 */
export function createTenantAsking(link: BrokerLink, log: Log, options: CircuitBreakerOptions = {}): TenantAsking {
  const breaker = new CircuitBreaker({
    opened: (tenant) =>
      log.warn({ tenant }, "The tenant's plugins have not answered again and again; not asked for now"),
    ...options,
  });

  return async function askTenant(question, about, deadlineMs) {
    if (!breaker.mayTry(about.tenant)) {
      const message = `${question.name} was not asked: the plugins of ${about.tenant} have not answered again and again`;
      throw new NotAskedError('UNAVAILABLE', message);
    }
    try {
      const answer = await askWhereItIs(question, about, deadlineMs);
      breaker.succeeded(about.tenant);
      return answer;
    } catch (error) {
      const { code } = error as { code?: string };
      if (NOBODY_ANSWERED.includes(code ?? '')) breaker.failed(about.tenant);
      // Without RabbitMQ nothing is known of the tenant's owner, and nobody waits anyway.
      else if (code !== 'BROKER_UNAVAILABLE') breaker.succeeded(about.tenant);
      throw error;
    }
  };

  async function askWhereItIs<P, A>(
    question: Question<P, A>,
    about: { tenant: string; payload: P; correlationId?: string },
    deadlineMs: number,
  ): Promise<A> {
    const until = performance.now() + deadlineMs;
    for (;;) {
      const { state, broker } = link;
      if (broker === undefined || state !== 'connected') {
        throw new NotAskedError('BROKER_UNAVAILABLE', `${question.name} was not asked: RabbitMQ is ${state}`);
      }
      const remainingMs = until - performance.now();
      try {
        return await broker.ask(question, about, { deadlineMs: Math.max(1, remainingMs) });
      } catch (error) {
        const moved = (error as { code?: unknown }).code === 'NOT_THE_OWNER';
        if (!moved || until - performance.now() <= ASK_AGAIN_MS) throw error;
        await pause(ASK_AGAIN_MS);
      }
    }
  }
}
