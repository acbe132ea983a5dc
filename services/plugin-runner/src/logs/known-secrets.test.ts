import { expect, test } from '@jest/globals';
import type { Installation } from '@verifywise/contracts';
import { secretBox } from '@verifywise/service-kit';
import { KnownSecrets } from './known-secrets.ts';

const box = secretBox([{ kid: 'k1', key: Buffer.alloc(32, 7) }]);

function withToken(tenant: string, token: string, generation: number): Installation {
  const secrets = { token: box.seal(token, { tenant, pluginId: 'talker', field: 'token' }) };
  return { tenant, pluginId: 'talker', generation, config: { values: {}, secrets } } as unknown as Installation;
}

test('a secret is masked in the lines of its own plugin, also when another has taken its place', () => {
  const secrets = new KnownSecrets(box);
  const said = 'first-token second-token';
  expect(secrets.maskFor(withToken('acme', 'first-token', 1))(said)).toBe('•••••••• second-token');
  expect(secrets.maskFor(withToken('acme', 'second-token', 2))(said)).toBe('•••••••• ••••••••');
  expect(secrets.maskFor(withToken('acme', 'first-token', 1))(said)).toBe('•••••••• ••••••••');
  expect(secrets.maskFor(withToken('beta', 'another-token', 1))(said)).toBe(said);
});

test('a secret that cannot be opened here keeps no line from being written', () => {
  const installation = withToken('acme', 'first-token', 1);
  installation.config.secrets.token = 'k9:nonsense';
  expect(new KnownSecrets(box).maskFor(installation)('a word')).toBe('a word');
});
