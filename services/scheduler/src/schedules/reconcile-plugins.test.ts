import { describe, expect, test } from '@jest/globals';
import type { InstalledPlugin } from '@verifywise/contracts';
import { newsOf } from './reconcile-plugins.ts';

const AT = new Date(0);
const MINUTE_MS = 60_000;
const known = (enabled: boolean, generation: number) => ({ tenant: 'acme', pluginId: 'feed', enabled, generation });
const installed = (enabled: boolean, generation: number): InstalledPlugin[] => [
  { pluginId: 'feed', version: '1.0.0', state: 'enabled', enabled, generation },
];
const absentFor = (ms: number) => ({ forMs: () => ms, end: () => undefined });
const news = (plugin: ReturnType<typeof known>, truth: InstalledPlugin[] | undefined, absentMs = 0) =>
  newsOf(plugin, truth, AT, absentFor(absentMs));

describe('what the installer says of a plugin with schedules', () => {
  test('is news when it is newer, or otherwise for the same generation', () => {
    expect(news(known(true, 4), installed(false, 5))).toEqual({ change: 'disabled', generation: 5, at: AT });
    expect(news(known(false, 4), installed(true, 4))).toEqual({ change: 'enabled', generation: 4, at: AT });
    expect(news(known(true, 5), installed(true, 5))).toBeUndefined();
    expect(news(known(true, 5), installed(false, 4))).toBeUndefined();
  });

  test('takes the jobs of one that was enabled and is gone', () => {
    expect(news(known(true, 4), [])).toEqual({ change: 'uninstalled', generation: 4, at: AT });
  });

  test('leaves the jobs of one that may be being installed, which is not told of yet', () => {
    expect(news(known(false, 4), [], MINUTE_MS)).toBeUndefined();
    expect(news(known(true, 0), [], MINUTE_MS)).toBeUndefined();
    expect(news(known(false, 4), [], 15 * MINUTE_MS)).toMatchObject({ change: 'uninstalled' });
  });

  test('is nothing when it says nothing of the tenant', () => {
    expect(news(known(true, 4), undefined)).toBeUndefined();
  });
});
