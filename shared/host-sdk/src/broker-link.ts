import { setTimeout as pause } from 'node:timers/promises';
import type { Broker, BrokerState } from '@verifywise/broker';
import { connectBroker } from '@verifywise/broker';
import { PlatformError } from '@verifywise/contracts';
import type { Log } from './log.ts';

/** A broker connection that comes when it can. */
export interface BrokerLink {
  /** Throws BROKER_UNAVAILABLE while there has not been a connection yet. */
  connected(): Broker;
  /** Undefined until there is a first connection. */
  readonly broker: Broker | undefined;
  readonly state: BrokerState;
  readonly healthy: boolean;
  close(): Promise<void>;
}

interface BrokerLinkOptions {
  url: string;
  source: string;
  partitions?: number;
  log: Log;
  /** What is to be done once there is a connection; tried until it succeeds. */
  connected: (broker: Broker) => Promise<unknown>;
}

const PAUSE_BETWEEN_TRIES_MS = 1000;

/** Connects in the background and tries for as long as it is open; the broker itself reconnects after that. */
export function createBrokerLink(options: BrokerLinkOptions): BrokerLink {
  const closing = new AbortController();
  let broker: Broker | undefined;
  const connecting = connect();

  async function connect(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        broker ??= await connectBroker(options);
        await options.connected(broker);
        return;
      } catch (error) {
        options.log.warn(
          { err: error },
          'RabbitMQ cannot be reached; events wait in the outbox, and plugins are not asked',
        );
        // Only closing ends the pause early, and then the loop ends too.
        await pause(PAUSE_BETWEEN_TRIES_MS, undefined, { signal: closing.signal, ref: false }).catch(() => undefined);
      }
    }
  }

  return {
    connected() {
      if (broker === undefined) throw new PlatformError('BROKER_UNAVAILABLE', 'RabbitMQ has not been reached yet');
      return broker;
    },
    get broker() {
      return broker;
    },
    get state() {
      return broker?.state ?? 'connecting';
    },
    get healthy() {
      return broker?.healthy ?? false;
    },
    async close() {
      closing.abort();
      await connecting;
      await broker?.close();
    },
  };
}
