import { runService } from '@verifywise/service-kit';
import { readConfig } from './config.ts';
import { startWebhookGateway } from './service.ts';

runService('webhook-gateway', async (closers, log) => {
  await startWebhookGateway(readConfig(process.env), closers, log);
});
