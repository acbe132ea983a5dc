import { partitionKey, partitionOf } from './partitions.ts';
import type { ServiceName } from './messages.ts';

/** Every exchange, queue and routing key of the platform, in one place (architecture §2). */

export const exchanges = {
  /** Topic exchange of all facts: `pNN.<tenant>.<entity>.<action>`. */
  events: 'domain.events',
  /** Direct exchange of work for the owner of a partition: `pNN`. */
  work: 'runner.work',
  /** Where refused and exhausted messages go. */
  dead: 'platform.dead',
} as const;

/** Where a message goes that was delivered more often than this without ever being acknowledged. */
export const DELIVERY_LIMIT = 50;

/** The partition part of a routing key for facts that concern no tenant. */
const PLATFORM_KEY = 'platform.-';

/** `risk:created` (what plugins write) as `risk.created` (what routing keys carry). */
export function factNameOfEvent(event: string): string {
  return event.replaceAll(':', '.');
}

/** `p07.acme.risk.created`, or `platform.-.registry.refreshed` when there is no tenant. */
export function factRoutingKey(tenant: string | null, factName: string, partitions: number): string {
  if (tenant === null) return `${PLATFORM_KEY}.${factName}`;
  return `${partitionKey(partitionOf(tenant, partitions))}.${tenant}.${factName}`;
}

/** Binds a queue to a fact of every tenant: `*.*.plugin.installed`; `plugin.#` binds all of an entity. */
export function factBinding(factName: string): string {
  return `*.*.${factName}`;
}

export const queues = {
  /** Domain events of a partition's tenants: quorum, single active consumer, bound to `pNN.#`. */
  partitionEvents: (partition: number) => `runner.events.${partitionKey(partition)}`,
  /** Work for a partition's owner: quorum, single active consumer. */
  partitionWork: (partition: number) => `runner.work.${partitionKey(partition)}`,
  /** Questions for a partition's owner: classic, single active consumer, nothing outlives its deadline. */
  partitionCalls: (partition: number) => `runner.calls.${partitionKey(partition)}`,
  /** Questions for any replica of a service: classic, nothing outlives its deadline. */
  serviceCalls: (service: ServiceName) => `calls.${service}`,
  /** Facts a service listens to, shared by its replicas: quorum. */
  serviceFacts: (service: ServiceName) => `facts.${service}`,
  /** Dead letters by the queue they came from: `dead.events`, `dead.work`, `dead.facts`. */
  dead: (kind: DeadKind) => `dead.${kind}`,
} as const;

export const deadKinds = ['events', 'work', 'facts'] as const;
export type DeadKind = (typeof deadKinds)[number];
