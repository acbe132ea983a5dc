import { startBackingServices } from '../../infra/local/src/backing/backing-services.ts';
import { temporaryFolder } from '../../infra/local/src/temporary-folder.ts';
import { keepForTeardown } from './backing-services.ts';

/** Once before all journeys: RabbitMQ, Redis and PostgreSQL that belong to this run alone. */
export default async function startBackingServicesForTests(): Promise<void> {
  const folder = await temporaryFolder('tests');
  const services = await startBackingServices({
    folder,
    persistent: false,
    variablePrefix: 'TEST_',
    log: (line) => process.stdout.write(`${line}\n`),
  });
  keepForTeardown(services);
}
