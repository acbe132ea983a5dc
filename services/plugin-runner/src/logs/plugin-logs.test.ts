import { expect, test } from '@jest/globals';
import type { Installation } from '@verifywise/contracts';
import { createLogger } from '@verifywise/service-kit';
import { eventually } from '../../../../test/support/eventually.ts';
import type { LogRecords, NewLine } from './log-line.ts';
import { PluginLogs } from './plugin-logs.ts';

/** Keeps lines in memory, and refuses them while `away`. */
class Shelf {
  lines: NewLine[] = [];
  away = false;
  trimmed: string[] = [];
  /** Called before lines are kept. */
  before: () => Promise<void> = () => Promise.resolve();

  async add(lines: readonly NewLine[]): Promise<void> {
    await this.before();
    if (this.away) throw new Error('no database');
    this.lines.push(...lines);
  }

  trim(tenant: string, pluginId: string): Promise<void> {
    this.trimmed.push(`${tenant}/${pluginId}`);
    return Promise.resolve();
  }

  removeOld(): Promise<void> {
    return Promise.resolve();
  }

  messages(tenant: string): string[] {
    return this.lines.filter((line) => line.tenant === tenant).map(({ message }) => message);
  }
}

function logsOn(shelf: Shelf, keep = 1_000): PluginLogs {
  const log = createLogger('test', 'silent');
  return new PluginLogs({
    records: shelf as unknown as LogRecords,
    secrets: { maskFor: () => (text) => text },
    keep,
    log,
  });
}

function pluginOf(tenant: string): Installation {
  return { tenant, pluginId: 'talker', version: '1.0.0', generation: 1 } as Installation;
}

test('lines are kept in the order in which they were said, also when the store was away for a while', async () => {
  const shelf = new Shelf();
  const logs = logsOn(shelf);
  shelf.away = true;
  for (let line = 0; line < 1_200; line += 1) logs.take(pluginOf('acme'), 'info', `line ${line}`);
  await eventually(() => expect(shelf.lines).toEqual([]));
  shelf.away = false;
  await eventually(() => expect(shelf.messages('acme')).toHaveLength(1_200));
  expect(shelf.messages('acme')).toEqual(Array.from({ length: 1_200 }, (_, line) => `line ${line}`));
});

test('what does not fit is counted and told, and another plugin loses nothing by it', async () => {
  const shelf = new Shelf();
  const logs = logsOn(shelf);
  shelf.away = true;
  for (let line = 0; line < 5_000; line += 1) logs.take(pluginOf('flood'), 'info', `line ${line}`);
  logs.take(pluginOf('calm'), 'warn', 'a word');
  shelf.away = false;
  await eventually(() => expect(shelf.messages('flood')).toHaveLength(2_001));
  expect(shelf.lines.find(({ message }) => message.includes('could not be kept'))).toMatchObject({
    ...{ tenant: 'flood', level: 'warn', version: '1.0.0' },
    message: expect.stringMatching(/^3000 lines /),
  });
  expect(shelf.messages('calm')).toEqual(['a word']);
});

test('of a plugin whose data is deleted nothing is written afterwards, though it was said before', async () => {
  const shelf = new Shelf();
  const logs = logsOn(shelf);
  const begun = Promise.withResolvers<undefined>();
  const goOn = Promise.withResolvers<undefined>();
  shelf.before = async () => {
    begun.resolve(undefined);
    await goOn.promise;
  };
  shelf.away = true;
  logs.take(pluginOf('gone'), 'info', 'in hand');
  logs.take(pluginOf('stays'), 'info', 'in hand too');
  await begun.promise;
  logs.take(pluginOf('gone'), 'info', 'waiting');
  const forgotten = logs.forget('gone', 'talker');
  goOn.resolve(undefined);
  await forgotten;
  shelf.away = false;
  await eventually(() => expect(shelf.messages('stays')).toEqual(['in hand too']));
  await logs.close();
  expect(shelf.messages('gone')).toEqual([]);
});

test('closing writes what is waiting', async () => {
  const shelf = new Shelf();
  const logs = logsOn(shelf);
  logs.take(pluginOf('acme'), 'info', 'the last word');
  await logs.close();
  expect(shelf.messages('acme')).toEqual(['the last word']);
});

test('a plugin is trimmed when it is first heard of, and then only now and then', async () => {
  const shelf = new Shelf();
  const logs = logsOn(shelf, 1_000);
  for (const lines of [1, 50, 60]) {
    const before = shelf.lines.length;
    for (let line = 0; line < lines; line += 1) logs.take(pluginOf('acme'), 'info', 'x');
    await eventually(() => expect(shelf.lines).toHaveLength(before + lines));
  }
  await logs.close();
  expect(shelf.trimmed).toEqual(['acme/talker', 'acme/talker']);
});
