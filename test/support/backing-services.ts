import type { BackingServices } from '../../infra/local/src/backing/backing-services.ts';

export interface TestAddresses {
  brokerUrl: string;
  databaseUrl: string;
  redisUrl: string;
}

/** Jest loads setup, teardown and test files separately; what they share is the environment and this slot of the process. */
const SLOT = Symbol.for('verifywise.test.backing-services');
const slots = globalThis as { [SLOT]?: BackingServices };

export function keepForTeardown(services: BackingServices): void {
  slots[SLOT] = services;
  process.env['TEST_BROKER_URL'] = services.brokerUrl;
  process.env['TEST_DATABASE_URL'] = services.databaseUrl;
  process.env['TEST_REDIS_URL'] = services.redisUrl;
}

export function keptForTeardown(): BackingServices | undefined {
  return slots[SLOT];
}

/** Where this run's RabbitMQ, PostgreSQL and Redis are. */
export function backingServices(): TestAddresses {
  return {
    brokerUrl: given('TEST_BROKER_URL'),
    databaseUrl: given('TEST_DATABASE_URL'),
    redisUrl: given('TEST_REDIS_URL'),
  };
}

function given(variable: string): string {
  const value = process.env[variable];
  if (value === undefined) throw new Error(`${variable} is not set: run this test in the jest project "journeys"`);
  return value;
}
