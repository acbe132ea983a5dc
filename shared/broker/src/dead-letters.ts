import { exchanges, queues, type DeadKind } from '@verifywise/contracts';
import type { ConsumeMessage } from 'amqplib';
import type { BrokerMetrics } from './metrics.ts';
import { UnroutableError } from './errors.ts';
import type { Publisher } from './publisher.ts';

/** Puts a message that cannot be handled where people can look at it, with the reason in its headers. */
export class DeadLetters {
  readonly #publisher: Publisher;
  readonly #metrics: BrokerMetrics;

  constructor(publisher: Publisher, metrics: BrokerMetrics) {
    this.#publisher = publisher;
    this.#metrics = metrics;
  }

  /** Resolves once a copy is safe in the dead letter queue; only then may the message itself be settled. */
  async bury(kind: DeadKind, queue: string, message: ConsumeMessage, reason: string): Promise<void> {
    const { headers, messageId, correlationId, type, appId, contentType, timestamp } = message.properties as Properties;
    await this.#publisher.publish({
      verb: 'dead-letter',
      name: `the dead letter ${messageId ?? ''}`,
      exchange: exchanges.dead,
      routingKey: kind,
      bytes: message.content,
      properties: {
        ...defined({ messageId, correlationId, type, appId, contentType, timestamp }),
        headers: {
          ...headers,
          'x-reason': reason,
          'x-queue': queue,
          'x-routing-key': message.fields.routingKey,
          'x-buried-at': new Date().toISOString(),
        },
      },
      unroutable: () => new UnroutableError('UNAVAILABLE', 'a dead letter', queues.dead(kind)),
    });
    this.#metrics.deadLettered.inc({ kind });
  }
}

interface Properties {
  headers?: Record<string, unknown>;
  messageId?: string;
  correlationId?: string;
  type?: string;
  appId?: string;
  contentType?: string;
  timestamp?: number;
}

/** The fields that have a value; amqplib tells a missing field from an undefined one. */
function defined<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
