import { describe, expect, test } from '@jest/globals';
import type { JobOutcome } from '@verifywise/contracts';
import { answerDeadlineMs, verdictOn } from './retries.ts';

function outcome(kind: JobOutcome['outcome'], attempt = 0): JobOutcome {
  return { pluginId: 'feed', schedule: 'job', fireId: 'fire', attempt, outcome: kind, tookMs: 1 };
}
const sent = (attempt = 0, waits = 0) => ({ state: 'sent' as const, attempt, waits });

describe('a fire whose outcome is heard', () => {
  test('is tried three times unless said otherwise, waiting longer each time', () => {
    expect(verdictOn(sent(0), {}, outcome('failed', 0))).toEqual({ kind: 'retry', attempt: 1, inMs: 1_000 });
    expect(verdictOn(sent(1), {}, outcome('failed', 1))).toEqual({ kind: 'retry', attempt: 2, inMs: 2_000 });
    expect(verdictOn(sent(2), {}, outcome('failed', 2))).toEqual({ kind: 'dead', attempt: 3 });
    expect(verdictOn(sent(0), { attempts: 1 }, outcome('failed', 0))).toEqual({ kind: 'dead', attempt: 1 });
  });

  test('waits as its backoff says', () => {
    const fixed = { attempts: 9, backoff: { type: 'fixed' as const, delay: 500 } };
    const exponential = { attempts: 9, backoff: { type: 'exponential' as const, delay: 500 } };
    expect(verdictOn(sent(3), fixed, outcome('failed', 3))).toMatchObject({ inMs: 500 });
    expect(verdictOn(sent(3), exponential, outcome('failed', 3))).toMatchObject({ inMs: 4_000 });
  });

  test('is judged once, however often it is heard', () => {
    expect(verdictOn(sent(1), {}, outcome('failed', 0))).toEqual({ kind: 'ignore' });
    expect(verdictOn({ state: 'done', attempt: 0, waits: 0 }, {}, outcome('done'))).toEqual({ kind: 'ignore' });
    expect(verdictOn({ state: 'dead', attempt: 3, waits: 0 }, {}, outcome('done'))).toEqual({ kind: 'ignore' });
  });

  test('of an earlier attempt that was done after all is done', () => {
    expect(verdictOn(sent(1), {}, outcome('done', 0))).toEqual({ kind: 'done' });
  });

  test('without a handler waits, for a day', () => {
    expect(verdictOn(sent(), {}, outcome('no-handler'))).toEqual({ kind: 'wait', inMs: 2_000 });
    expect(verdictOn(sent(0, 20), {}, outcome('not-enabled'))).toEqual({ kind: 'wait', inMs: 60_000 });
    expect(verdictOn(sent(0, 1_440), {}, outcome('no-handler'))).toEqual({ kind: 'dead', attempt: 0 });
  });
});

test('a fire that nobody answers is sent again more and more rarely', () => {
  const waits = [0, 1, 2, 50].map((unanswered) => answerDeadlineMs(60_000, unanswered));
  expect(waits).toEqual([90_000, 180_000, 360_000, 2_880_000]);
});
