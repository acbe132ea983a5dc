import { expect, test } from '@jest/globals';
import { publishPluginEvent } from './plugin-events.ts';

function publishing() {
  const published: { name: string; message: { tenant: string | null; payload: unknown } }[] = [];
  const broker = {
    publish: (fact: { name: string }, message: { tenant: string | null; payload: unknown }) => {
      published.push({ name: fact.name, message });
      return Promise.resolve();
    },
  };
  return {
    published,
    emit: (event: unknown, payload: unknown) => publishPluginEvent(broker, 'acme', 'notes', event, payload),
  };
}

test("a plugin's own event carries its tenant, its id and where it comes from, whatever the payload says", async () => {
  const { published, emit } = publishing();
  await emit('plugin:notes:synced', { tenant: 'globex', source: 'host', count: 3 });
  expect(published).toMatchObject([
    {
      name: 'plugin.notes.synced',
      message: { tenant: 'acme', payload: { tenant: 'acme', source: 'plugin:notes', count: 3 } },
    },
  ]);
});

test.each([
  'risk:created',
  'plugin:other:synced',
  'plugin:notes',
  'plugin:notes:a:b',
  'plugin:notes:a.b',
  'plugin:enabled',
  '',
  7,
])('%p may not be emitted', async (event) => {
  const { published, emit } = publishing();
  await expect(emit(event, {})).rejects.toMatchObject({ code: 'EVENT_INVALID' });
  expect(published).toEqual([]);
});

test.each([
  ['a bigint', () => ({ big: 1n })],
  [
    'a circle',
    () => {
      const circle: Record<string, unknown> = {};
      return Object.assign(circle, { circle });
    },
  ],
])('a payload with %s is the plugin’s mistake, and says so', async (_what, payload) => {
  await expect(publishing().emit('plugin:notes:synced', payload())).rejects.toMatchObject({
    code: 'EVENT_INVALID',
    message: expect.stringContaining('plugin:notes:synced cannot be written as JSON'),
  });
});

test.each([[null], [[]], ['text']])('the payload %p is refused', async (payload) => {
  await expect(publishing().emit('notification:send', payload)).rejects.toMatchObject({ code: 'EVENT_INVALID' });
});
