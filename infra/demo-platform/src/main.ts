import { runService } from '@verifywise/service-kit';
import { readConfig } from './config.ts';
import { startDemoPlatform } from './service.ts';

runService('demo-platform', async (closers, log) => {
  const { url } = await startDemoPlatform(readConfig(process.env), closers, log);
  log.info({ url }, 'The demo platform is at this address');
});
