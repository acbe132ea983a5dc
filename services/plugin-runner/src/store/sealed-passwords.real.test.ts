import { expect, test } from '@jest/globals';
import { createLogger, openDatabase, rotateSecrets, rotationProblem, secretBox } from '@verifywise/service-kit';
import { createDatabase } from '../../../../test/support/database.ts';
import { RunnerTables1732300000001 } from './migrations/0001-runner-tables.ts';
import { PluginDatabases1732300000002 } from './migrations/0002-plugin-databases.ts';
import { Turns1732300000006 } from './migrations/0006-turns.ts';
import { PluginRoleStore } from './plugin-database/plugin-roles.ts';
import { sealedPasswords } from './sealed-passwords.ts';

test('passwords of database roles are sealed with the new key and stay the same; copies of settings are counted', async () => {
  const [old, young] = [1, 2].map((fill) => ({ kid: `k${fill}`, key: Buffer.alloc(32, fill) }));
  if (old === undefined || young === undefined) throw new Error('There are two keys');
  const testDatabase = await createDatabase();
  const log = createLogger('rotation-test', 'silent');
  const migrations = [RunnerTables1732300000001, PluginDatabases1732300000002, Turns1732300000006];
  const database = await openDatabase({
    url: testDatabase.url,
    schema: 'plugin_runner',
    entities: [],
    migrations,
    log,
  });
  const grants = { read: true, write: true };
  const roles = new PluginRoleStore(database.source, secretBox([old]));
  try {
    const before = await roles.ensure('acme', 'ledger', grants);
    await database.source.query(
      `INSERT INTO installations (tenant, plugin_id, partition, generation, installation) VALUES ('acme', 'ledger', 1, 1, $1)`,
      [
        JSON.stringify({
          config: {
            values: {},
            secrets: { token: secretBox([old]).seal('x', { tenant: 'acme', pluginId: 'ledger', field: 'token' }) },
          },
        }),
      ],
    );
    const store = sealedPasswords(database);
    expect(await rotationProblem(secretBox([young]), store)).toContain('2 with k1');
    const outcome = await rotateSecrets(secretBox([young, old]), store);
    expect(outcome).toEqual({ resealed: 2, left: 0, copiesLeft: 1, unreadable: [] });
    expect(await new PluginRoleStore(database.source, secretBox([young])).ensure('acme', 'ledger', grants)).toEqual(
      before,
    );
  } finally {
    await roles.drop('acme', 'ledger');
    await database.close();
    await testDatabase.drop();
  }
});
