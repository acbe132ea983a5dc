import { expect } from '@jest/globals';
import { cpSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { inRedis } from '../../infra/local/src/backing/handshakes.ts';
import { demoToken } from '../../infra/local/src/demo-token.ts';
import { startPlatform, type Platform, type PlatformOptions } from '../../infra/local/src/platform.ts';
import { temporaryFolder } from '../../infra/local/src/temporary-folder.ts';
import { backingServices } from './backing-services.ts';
import { cleanBroker } from './clean-broker.ts';
import { createDatabase, type TestDatabase } from './database.ts';

/** Enough to have several owners, and few enough that a start declares their queues at once. */
export const PARTITIONS = 8;
const LOGS = join(import.meta.dirname, '../../.local/logs/tests');

export interface TestPlatform extends Platform {
  /** A token of a user of the demo platform. */
  token(tenant: string, role?: string): Promise<string>;
}

/**
 * The whole platform for one test file: the run's backing services, a database of its own, an empty Redis and a broker
 * without messages. Its logs stay in .local/logs/tests/<test file> after it stopped.
 */
export async function startTestPlatform(
  options: Pick<PlatformOptions, 'runners' | 'settings' | 'settingsOf' | 'programs'> & {
    /** A broker of the test's own, which it may kill. */
    brokerUrl?: string;
  } = {},
): Promise<TestPlatform> {
  const { redisUrl } = backingServices();
  const { brokerUrl = backingServices().brokerUrl } = options;
  const database = await createDatabase();
  try {
    await inRedis(redisUrl, ['FLUSHDB']);
    await cleanBroker(brokerUrl, PARTITIONS);
    const platform = await startPlatform({
      ...options,
      folder: await temporaryFolder('platform'),
      // Its folder outlives it until the logs are copied.
      persistent: true,
      backing: { brokerUrl, redisUrl, databaseUrl: database.url },
      settings: { PARTITIONS: String(PARTITIONS), ...options.settings },
    });
    return Object.assign(platform, {
      token: (tenant: string, role = 'Admin') => demoToken(platform.urls['demo-platform'], tenant, role),
      stop: stopKeepingLogs(platform, database),
    });
  } catch (error) {
    await database.drop();
    throw error;
  }
}

function stopKeepingLogs(platform: Platform, database: TestDatabase): () => Promise<void> {
  const stop = platform.stop.bind(platform);
  const kept = join(LOGS, basename(expect.getState().testPath ?? 'no-test'));
  return async () => {
    await stop();
    await database.drop();
    rmSync(kept, { recursive: true, force: true });
    cpSync(join(platform.folder, 'logs'), kept, { recursive: true });
    rmSync(platform.folder, { recursive: true, force: true });
  };
}
