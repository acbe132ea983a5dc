import { expect, test } from '@jest/globals';
import { Interrupted } from './interruption.ts';
import { thenStop } from './then-stop.ts';

function aPlatform() {
  const stops: unknown[] = [];
  const stop = (how?: unknown) => Promise.resolve(void stops.push(how));
  return { stops, folder: '/tmp/demo', stop };
}

test('work that failed leaves the logs and says where they are', async () => {
  const platform = aPlatform();
  const working = thenStop(platform, () => Promise.reject(new Error('Step 3 went wrong')));
  await expect(working).rejects.toThrow('Step 3 went wrong (logs: /tmp/demo/logs)');
  expect(platform.stops).toEqual([{ keepFolder: true }]);
});

test('work that was done, or interrupted, leaves nothing', async () => {
  const platform = aPlatform();
  await thenStop(platform, () => Promise.resolve());
  await expect(thenStop(platform, () => Promise.reject(new Interrupted()))).rejects.toThrow(Interrupted);
  expect(platform.stops).toEqual([{ keepFolder: false }, { keepFolder: false }]);
});
