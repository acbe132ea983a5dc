import { expect, test } from '@jest/globals';
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { claimFolder } from './claimed-folder.ts';
import { addressesOf, keepAddresses } from './local-addresses.ts';
import { temporaryFolder } from './temporary-folder.ts';

test('addresses are known while the platform of the folder runs, and to nobody else', async () => {
  const path = await temporaryFolder('addresses-test');
  const addresses = { brokerUrl: 'amqp://a', databaseUrl: 'postgres://b', redisUrl: 'redis://c' };
  const folder = await claimFolder(path);
  expect(addressesOf(path)).toBeUndefined();
  keepAddresses(path, addresses);
  expect(addressesOf(path)).toEqual(addresses);
  expect(statSync(join(path, 'addresses.json')).mode & 0o777).toBe(0o600);
  folder.release();
  expect(addressesOf(path)).toBeUndefined();
  rmSync(path, { recursive: true });
});
