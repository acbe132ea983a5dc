import { runService } from '@verifywise/service-kit';
import { readConfig } from './config.ts';
import { startRegistry } from './service.ts';

runService('local-registry', async (closers, log) => {
  await startRegistry(readConfig(process.env), closers, log);
});
