import type { Closers, Database, Logger } from '@verifywise/service-kit';
import { IdempotencyMigration, openDatabase, outboxMigrations } from '@verifywise/service-kit';
import type { RunnerConfig } from './config.ts';
import { RunnerTables1732300000001 } from './store/migrations/0001-runner-tables.ts';
import { PluginDatabases1732300000002 } from './store/migrations/0002-plugin-databases.ts';
import { PluginModels1732300000003 } from './store/migrations/0003-plugin-models.ts';
import { PluginLogs1732300000004 } from './store/migrations/0004-plugin-logs.ts';
import { LifeOfSurfaces1732300000005 } from './store/migrations/0005-life-of-surfaces.ts';
import { Turns1732300000006 } from './store/migrations/0006-turns.ts';
import { MetadataSizes1732300000007 } from './store/migrations/0007-metadata-sizes.ts';
import { WholeEnvelopes1732300000008 } from './store/migrations/0008-whole-envelopes.ts';
import { ParkedEvents1732300000009 } from './store/migrations/0009-parked-events.ts';
import { FailedDeliveries1732300000010 } from './store/migrations/0010-failed-deliveries.ts';

/** Of their own: a heartbeat that waits behind what plugins ask for would cost the runner its partitions. */
const OWNERSHIP_CONNECTIONS = 2;

const migrations = [
  ...outboxMigrations,
  RunnerTables1732300000001,
  PluginDatabases1732300000002,
  PluginModels1732300000003,
  PluginLogs1732300000004,
  LifeOfSurfaces1732300000005,
  Turns1732300000006,
  MetadataSizes1732300000007,
  WholeEnvelopes1732300000008,
  ParkedEvents1732300000009,
  FailedDeliveries1732300000010,
  IdempotencyMigration,
];

/** The connections to the runner's own schema: one pool for its work, a small one for who owns which partition. */
export async function openRunnerDatabases(
  { databaseUrl: url }: RunnerConfig,
  closers: Closers,
  log: Logger,
): Promise<{ database: Database; ownershipDatabase: Database }> {
  const schema = 'plugin_runner';
  const database = closers.add(await openDatabase({ url, schema, entities: [], migrations, log }));
  const ownershipDatabase = closers.add(
    await openDatabase({
      url,
      schema,
      applicationName: 'plugin_runner_ownership',
      entities: [],
      migrations: [],
      poolSize: OWNERSHIP_CONNECTIONS,
      log,
    }),
  );
  return { database, ownershipDatabase };
}
