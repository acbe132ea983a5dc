import { expect, test } from '@jest/globals';
import { readConfig } from './config.ts';

const needed = {
  BROKER_URL: 'amqp://127.0.0.1',
  DATABASE_URL: 'postgres://127.0.0.1/verifywise',
  REDIS_URL: 'redis://127.0.0.1',
  JWT_SECRET: 'a-secret-of-the-tests-that-is-long-enough',
};

test('unless something else is said there is the official registry, looked at every quarter of an hour', () => {
  expect(readConfig(needed)).toMatchObject({
    registries: [
      {
        name: 'official',
        url: 'https://raw.githubusercontent.com/bluewave-labs/verifywise-apps/main/registry.json',
        verified: true,
      },
    ],
    registryTtlMs: 900_000,
  });
});

test('a setting that describes no registry is named', () => {
  const settings = { ...needed, REGISTRIES: JSON.stringify([{ name: 'Ours', colour: 'red' }]) };
  expect(() => readConfig(settings)).toThrow(/REGISTRIES.*name.*url/s);
});
