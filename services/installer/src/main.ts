import { runService } from '@verifywise/service-kit';
import { readConfig } from './config.ts';
import { startInstaller } from './service.ts';

runService('installer', async (closers, log) => {
  await startInstaller(readConfig(process.env), closers, log);
});
