import { runService } from '@verifywise/service-kit';
import { readConfig } from './config.ts';
import { startScheduler } from './service.ts';

runService('scheduler', async (closers, log) => {
  await startScheduler(readConfig(process.env), closers, log);
});
