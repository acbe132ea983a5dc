import { runService } from '@verifywise/service-kit';
import { readConfig } from './config.ts';
import { startPluginRunner } from './service.ts';

runService('plugin-runner', (closers, log) => startPluginRunner(readConfig(process.env), closers, log));
