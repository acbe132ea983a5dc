import { expect, test } from '@jest/globals';
import { eventually } from '../../../../test/support/eventually.ts';
import type { HostedPlugin } from '../hosting/hosted-plugin.ts';
import type { KeepFact } from './plugin-facts.ts';
import { PluginFacts } from './plugin-facts.ts';

const plugin = {
  tenant: 'acme',
  pluginId: 'notes',
  installation: { version: '1.0.0', generation: 7 },
  gone: 'moved',
} as unknown as HostedPlugin;

/** Facts whose disk fails so many times, and of which the broker hears nothing directly. */
function factsUnderTest(failures: number) {
  const kept: { name: string; payload: unknown }[] = [];
  const warned: unknown[] = [];
  let left = failures;
  const keep: KeepFact = ({ name }, { payload }) => {
    left -= 1;
    if (left >= 0) return Promise.reject(new Error('no database'));
    kept.push({ name, payload });
    return Promise.resolve();
  };
  const broker = { publish: () => Promise.reject(new Error('no broker')) };
  const log = {
    warn: (about: unknown) => void warned.push(about),
    error: (about: unknown) => {
      throw new Error(`Nothing was to be given up: ${JSON.stringify(about)}`);
    },
  };
  return { kept, warned, facts: new PluginFacts(broker, keep, log, () => undefined) };
}

test('what became of a plugin is kept, in order, also when the database fails at first and the plugin has left', async () => {
  const { facts, kept, warned } = factsUnderTest(2);
  facts.lifecycle(plugin, 'loaded');
  facts.lifecycle(plugin, 'unloaded');
  await eventually(() => expect(kept).toHaveLength(2));
  expect(kept).toMatchObject([
    { name: 'plugin.loaded', payload: { pluginId: 'notes', state: 'loaded', tenant: 'acme', generation: 7 } },
    { name: 'plugin.unloaded', payload: { pluginId: 'notes', state: 'unloaded' } },
  ]);
  expect(warned).toHaveLength(2);
});

test('a runner that stops waits for what can be kept, and not for a database that is away', async () => {
  const { facts, kept } = factsUnderTest(0);
  facts.lifecycle(plugin, 'unloaded');
  await facts.close();
  expect(kept).toHaveLength(1);
  const away = factsUnderTest(1_000);
  away.facts.lifecycle(plugin, 'loaded');
  away.facts.lifecycle(plugin, 'unloaded');
  await away.facts.close();
  expect(away.kept).toEqual([]);
});
