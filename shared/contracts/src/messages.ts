/**
 * The three verbs of the broker (architecture §1), each a value that carries its name and, in its type, its payload.
 * `publish(fact)`, `send(work)`, `ask(question)`.
 */

/** Something that happened; every interested party gets it at least once. */
export interface Fact<Payload> {
  readonly verb: 'fact';
  /** `entity.action`, the tail of the routing key: `plugin.installed`. */
  readonly name: string;
  readonly __payload?: Payload;
}

/** Something to be done by exactly one consumer group, at least once, in order per tenant. */
export interface Work<Payload, Outcome = void> {
  readonly verb: 'work';
  readonly name: string;
  readonly __payload?: Payload;
  readonly __outcome?: Outcome;
}

/** Who answers a question: any replica of a service, or the runner that owns the tenant's partition. */
export type Answerer = { kind: 'service'; service: ServiceName } | { kind: 'partition' };

/** Something to be answered before a deadline; safe to repeat. */
export interface Question<Payload, Answer> {
  readonly verb: 'question';
  readonly name: string;
  readonly answerer: Answerer;
  readonly __payload?: Payload;
  readonly __answer?: Answer;
}

export const serviceNames = ['registry-cache', 'installer', 'plugin-runner', 'scheduler', 'webhook-gateway'] as const;
export type ServiceName = (typeof serviceNames)[number];

/** A fact named `<entity>.<action>`. */
export function fact<Payload>(name: string): Fact<Payload> {
  return { verb: 'fact', name };
}

/** A piece of work named `<who does it>.<what>`, and what its outcome is. */
export function work<Payload, Outcome = void>(name: string): Work<Payload, Outcome> {
  return { verb: 'work', name };
}

/** A question any replica of `service` answers, named `<service>.<what>`. */
export function question<Payload, Answer>(service: ServiceName, what: string): Question<Payload, Answer> {
  return { verb: 'question', name: `${service}.${what}`, answerer: { kind: 'service', service } };
}

/** A question the runner that owns the tenant's partition answers. */
export function partitionQuestion<Payload, Answer>(what: string): Question<Payload, Answer> {
  return { verb: 'question', name: `runner.${what}`, answerer: { kind: 'partition' } };
}
