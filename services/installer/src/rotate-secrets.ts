import { createOutbox, runRotation } from '@verifywise/service-kit';
import { sealedConfigs } from './store/sealed-configs.ts';
import { ConfigTable, InstallationTable, PackageTable } from './store/tables.ts';
import { createTransactions } from './store/transactions.ts';

await runRotation({
  ...{ service: 'installer', schema: 'installer', table: 'configs' },
  entities: [InstallationTable, ConfigTable, PackageTable],
  // Running installers relay what is said here.
  store: (database) =>
    sealedConfigs(
      database,
      createTransactions(createOutbox(database), undefined, () => undefined),
    ),
});
