import { expect, test } from '@jest/globals';
import { rotateSecrets, rotationProblem, type SealedStore } from './rotate-secrets.ts';
import { secretBox, type SecretBox } from './secret-box.ts';

const [old, young, other] = [1, 2, 3].map((fill) => ({ kid: `k${fill}`, key: Buffer.alloc(32, fill) })) as [
  ...[Key, Key, Key],
];
interface Key {
  kid: string;
  key: Buffer;
}
const placeOf = (pluginId: string) => ({ tenant: 'acme', pluginId, field: 'token' });

/** A store in memory, whose owners have one secret each. */
function storeOf(sealed: Map<string, string>, changedByOthers: string[] = []): SealedStore {
  return {
    what: 'settings',
    count() {
      const counts: Record<string, number> = {};
      for (const text of sealed.values()) {
        const kid = text.split(':')[1] ?? '';
        counts[kid] = (counts[kid] ?? 0) + 1;
      }
      return Promise.resolve(counts);
    },
    async *owners(exceptKid) {
      await Promise.resolve();
      for (const [pluginId, text] of sealed) {
        if (text.split(':')[1] === exceptKid) continue;
        yield {
          secrets: [{ place: placeOf(pluginId), sealed: text }],
          replace: (renewed) => {
            if (changedByOthers.includes(pluginId)) return Promise.resolve(false);
            sealed.set(pluginId, renewed.token ?? '');
            return Promise.resolve(true);
          },
        };
      }
    },
  };
}

const sealedBy = (box: SecretBox, ...ids: string[]) =>
  new Map(ids.map((id) => [id, box.seal(`secret of ${id}`, placeOf(id))]));

test('everything is sealed with the first key, and a second run has nothing to do', async () => {
  const sealed = sealedBy(secretBox([old]), 'a', 'b');
  const both = secretBox([young, old]);
  expect(await rotateSecrets(both, storeOf(sealed))).toEqual({ resealed: 2, left: 0, copiesLeft: 0, unreadable: [] });
  for (const [id, text] of sealed) expect(secretBox([young]).open(text, placeOf(id))).toBe(`secret of ${id}`);
  expect(await rotateSecrets(both, storeOf(sealed))).toMatchObject({ resealed: 0, left: 0 });
});

test('what somebody changed meanwhile is left for the next run, and counted', async () => {
  const sealed = sealedBy(secretBox([old]), 'a', 'b');
  const both = secretBox([young, old]);
  expect(await rotateSecrets(both, storeOf(sealed, ['a']))).toMatchObject({ resealed: 1, left: 1 });
});

test('what cannot be opened is told and counted, never its text', async () => {
  const sealed = sealedBy(secretBox([old]), 'a', 'b');
  sealed.set('a', sealed.get('b') ?? '');
  const { left, unreadable } = await rotateSecrets(secretBox([young, old]), storeOf(sealed));
  expect(left).toBe(1);
  expect(unreadable).toEqual([expect.stringContaining('The secret token of a cannot be opened')]);
});

test('keys that are missing are told with how many need them', async () => {
  const sealed = new Map([...sealedBy(secretBox([old]), 'a', 'b'), ...sealedBy(secretBox([other]), 'c')]);
  expect(await rotationProblem(secretBox([young, old, other]), storeOf(sealed))).toBeUndefined();
  const problem = await rotationProblem(secretBox([young]), storeOf(sealed));
  expect(problem).toContain('2 with k1, 1 with k3');
  expect(problem).toContain('add k1 and k3 to its end');
});
