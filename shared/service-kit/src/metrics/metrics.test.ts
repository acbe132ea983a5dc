import { expect, test } from '@jest/globals';
import { createMetrics } from './metrics.ts';

test("metrics hold the process's own figures, with the service's name", async () => {
  const text = await createMetrics('installer').metrics();
  expect(text).toMatch(/nodejs_eventloop_lag_seconds\{service="installer"\}/);
});
