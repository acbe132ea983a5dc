import { describe, expect, test } from '@jest/globals';
import { Surfaces, type DeclaredWebhooks, type KnownWebhooks } from './surfaces.ts';

const DECLARED = [{ name: 'issue-updated', methods: ['POST'] }];

function memory(): KnownWebhooks {
  const kept = new Map<string, DeclaredWebhooks>();
  return {
    find: (tenant, pluginId) => Promise.resolve(kept.get(`${tenant}/${pluginId}`)),
    keep: (tenant, pluginId, declared) => {
      kept.set(`${tenant}/${pluginId}`, declared);
      return Promise.resolve();
    },
  };
}

describe('what a plugin declares', () => {
  test('is asked for once by many at the same time', async () => {
    let asked = 0;
    const surfaces = new Surfaces(() => Promise.resolve(++asked > 0 ? DECLARED : null), memory());
    const found = await Promise.all([surfaces.find('acme', 'jira'), surfaces.find('acme', 'jira')]);
    expect(found).toEqual([DECLARED, DECLARED]);
    expect(asked).toBe(1);
  });

  test('is what was last known when no runner answers, also in a new process', async () => {
    const known = memory();
    await new Surfaces(() => Promise.resolve(DECLARED), known).find('acme', 'jira');
    const away = new Surfaces(() => Promise.reject(new Error('away')), known);
    expect(await away.find('acme', 'jira')).toEqual(DECLARED);
    await expect(away.find('globex', 'jira')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
});
