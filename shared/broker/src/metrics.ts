import { Counter, Gauge, Histogram, Registry, type Metric } from 'prom-client';

export type ConnectionName = 'publishing' | 'consuming';

export interface BrokerMetrics {
  published: Counter<'verb'>;
  returned: Counter<'verb'>;
  confirmSeconds: Histogram<'verb'>;
  unconfirmed: Gauge;
  consumed: Counter<'kind'>;
  unsettled: Gauge<'kind'>;
  deadLettered: Counter<'kind'>;
  reconnects: Counter<'connection'>;
  reopenedChannels: Counter;
}

/** The broker's metrics in this registry; a second broker of the same process shares them. */
export function brokerMetrics(registry: Registry = new Registry()): BrokerMetrics {
  const registers = [registry];
  const once = <M extends Metric>(name: string, make: (name: string) => M): M =>
    (registry.getSingleMetric(name) as M | undefined) ?? make(name);
  return {
    published: once(
      'broker_published_total',
      (name) => new Counter({ name, registers, labelNames: ['verb'], help: 'Messages handed to RabbitMQ' }),
    ),
    returned: once(
      'broker_returned_total',
      (name) => new Counter({ name, registers, labelNames: ['verb'], help: 'Messages RabbitMQ found no queue for' }),
    ),
    confirmSeconds: once(
      'broker_confirm_seconds',
      (name) =>
        new Histogram({
          name,
          registers,
          labelNames: ['verb'],
          help: 'From handing a message over until its confirm',
          buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
        }),
    ),
    unconfirmed: once(
      'broker_unconfirmed',
      (name) => new Gauge({ name, registers, help: 'Messages handed over and not confirmed yet' }),
    ),
    consumed: once(
      'broker_consumed_total',
      (name) => new Counter({ name, registers, labelNames: ['kind'], help: 'Messages received, by kind of queue' }),
    ),
    unsettled: once(
      'broker_unsettled',
      (name) => new Gauge({ name, registers, labelNames: ['kind'], help: 'Messages received and not settled yet' }),
    ),
    deadLettered: once(
      'broker_dead_lettered_total',
      (name) => new Counter({ name, registers, labelNames: ['kind'], help: 'Messages put into a dead letter queue' }),
    ),
    reconnects: once(
      'broker_reconnects_total',
      (name) => new Counter({ name, registers, labelNames: ['connection'], help: 'Connections lost and made again' }),
    ),
    reopenedChannels: once(
      'broker_reopened_channels_total',
      (name) => new Counter({ name, registers, help: 'Channels that ended while their connection lived' }),
    ),
  };
}
