import { runService } from '@verifywise/service-kit';
import { readConfig } from './config.ts';
import { startRegistryCache } from './service.ts';

runService('registry-cache', async (closers, log) => {
  await startRegistryCache(readConfig(process.env), closers, log);
});
