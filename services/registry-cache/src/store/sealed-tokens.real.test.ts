import { expect, test } from '@jest/globals';
import { createLogger, openDatabase, rotateSecrets, rotationProblem, secretBox } from '@verifywise/service-kit';
import { createDatabase } from '../../../../test/support/database.ts';
import { tokenSeal } from '../registries/token-seal.ts';
import { CreateRegistries } from './create-registries.ts';
import { sealedTokens } from './sealed-tokens.ts';

test('tokens of registries are sealed with the new key, and open as before', async () => {
  const [old, young] = [1, 2].map((fill) => ({ kid: `k${fill}`, key: Buffer.alloc(32, fill) }));
  if (old === undefined || young === undefined) throw new Error('There are two keys');
  const testDatabase = await createDatabase();
  const log = createLogger('rotation-test', 'silent');
  const migrations = [CreateRegistries];
  const database = await openDatabase({
    url: testDatabase.url,
    schema: 'registry_cache',
    entities: [],
    migrations,
    log,
  });
  try {
    const seal = tokenSeal(secretBox([old])).seal;
    for (const [name, token] of [
      ['private', seal?.('hush', 'private')],
      ['public', null],
    ]) {
      await database.source.query(
        `INSERT INTO registries (name, url, verified, local, allowed_hosts, sealed_token) VALUES ($1, 'https://x', true, false, '[]', $2)`,
        [name, token],
      );
    }
    const store = sealedTokens(database);
    expect(await rotationProblem(secretBox([young]), store)).toContain('tokens of registries');
    expect(await rotateSecrets(secretBox([young, old]), store)).toMatchObject({ resealed: 1, left: 0 });
    const [row] = await database.source.query<{ sealed_token: string }[]>(
      `SELECT sealed_token FROM registries WHERE name = 'private'`,
    );
    const registry = { name: 'private', url: '', verified: true, local: false, allowedHosts: [] };
    const tokens = tokenSeal(secretBox([young]));
    expect(tokens.open({ ...registry, sealedToken: row?.sealed_token ?? null })).toBe('hush');
  } finally {
    await database.close();
    await testDatabase.drop();
  }
});
