import { describe, expect, test } from '@jest/globals';
import type { JobOutcome, ScheduleTiming } from '@verifywise/contracts';
import { answerDeadlineMs, verdictOn as verdictWithin } from './retries.ts';

function outcome(kind: JobOutcome['outcome'], attempt = 0): JobOutcome {
  return { pluginId: 'feed', schedule: 'job', fireId: 'fire', attempt, outcome: kind, tookMs: 1 };
}
const sent = (attempt = 0, waits = 0, handlerWaits = waits) => ({
  state: 'sent' as const,
  attempt,
  waits,
  handlerWaits,
});
const HANDLER_WAIT_MS = 60_000;
const verdictOn = (fire: Parameters<typeof verdictWithin>[0], timing: ScheduleTiming, heard: JobOutcome) =>
  verdictWithin(fire, timing, heard, HANDLER_WAIT_MS);

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
    expect(verdictOn({ ...sent(), state: 'done' }, {}, outcome('done'))).toEqual({ kind: 'ignore' });
    expect(verdictOn({ ...sent(3), state: 'dead' }, {}, outcome('done'))).toEqual({ kind: 'ignore' });
  });

  test('of an earlier attempt that was done after all is done', () => {
    expect(verdictOn(sent(1), {}, outcome('done', 0))).toEqual({ kind: 'done' });
  });

  test('without a handler waits for it, and is given up when it has waited long enough', () => {
    expect(verdictOn(sent(), {}, outcome('no-handler'))).toEqual({ kind: 'wait', inMs: 2_000 });
    // 2 + 4 + 8 + 16 seconds, and then 32 more.
    expect(verdictOn(sent(0, 4), {}, outcome('no-handler'))).toEqual({ kind: 'wait', inMs: 32_000 });
    expect(verdictOn(sent(0, 5), {}, outcome('no-handler'))).toEqual({ kind: 'dead', attempt: 0 });
  });

  test('of a plugin that is not running waits, however long, and its handler has all of its time afterwards', () => {
    expect(verdictOn(sent(0, 5_000, 0), {}, outcome('not-enabled'))).toEqual({ kind: 'wait', inMs: 60_000 });
    expect(verdictOn(sent(0, 5_000, 0), {}, outcome('no-handler'))).toEqual({ kind: 'wait', inMs: 60_000 });
  });
});

test('a fire that nobody answers is sent again more and more rarely', () => {
  const waits = [0, 1, 2, 50].map((unanswered) => answerDeadlineMs(60_000, unanswered));
  expect(waits).toEqual([90_000, 180_000, 360_000, 2_880_000]);
});
