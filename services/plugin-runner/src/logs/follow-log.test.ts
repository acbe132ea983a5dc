import { expect, test } from '@jest/globals';
import { followLog } from './follow-log.ts';
import type { LogLine } from './log-line.ts';

/** As many lines as the log has, from after the one asked for. */
function logOf(lines: number) {
  const asked: string[] = [];
  return {
    asked,
    following: (_tenant: string, _plugin: string, after: string, _filter: unknown, limit: number) => {
      asked.push(after);
      const ids = Array.from({ length: lines }, (_, index) => index + 1).filter((id) => id > Number(after));
      return Promise.resolve(ids.slice(0, limit).map((id) => ({ id: String(id) }) as LogLine));
    },
  };
}

const about = { tenant: 'acme', pluginId: 'talker', after: '0', filter: {} };

test('a reader that takes nothing is read nothing for', async () => {
  const log = logOf(1_000);
  const stop = new AbortController();
  const lines = followLog(log, about, stop.signal);
  const first = await lines.next();
  expect((first.value as LogLine[]).map(({ id }) => id)).toEqual(
    Array.from({ length: 200 }, (_, index) => `${index + 1}`),
  );
  expect(log.asked).toEqual(['0']);
  await lines.next();
  expect(log.asked).toEqual(['0', '200']);
});

test('it ends while it waits for lines', async () => {
  const stop = new AbortController();
  const lines = followLog(logOf(0), about, stop.signal);
  const next = lines.next();
  stop.abort();
  expect(await next).toEqual({ value: undefined, done: true });
});
