import { describe, expect, test } from '@jest/globals';
import type { ScheduleTiming } from '@verifywise/contracts';
import { cronTimes } from '../cron/cron-times.ts';
import type { Running, Schedule } from './schedule.ts';
import { decideDue, firstSlot, soonerSlot } from './slots.ts';

const NOON = new Date('2026-03-10T12:00:00Z');

function at(offsetMs: number): Date {
  return new Date(NOON.getTime() + offsetMs);
}

/** A schedule whose next slot is at noon. */
function dueAtNoon(timing: ScheduleTiming, parts: Partial<Schedule> = {}): Schedule {
  return {
    ...{ id: 'id', tenant: 'acme', pluginId: 'feed', name: 'job', timing, data: null, generation: 1 },
    ...{ firstDue: NOON, nextDue: NOON, paused: false, pluginDisabled: false, fired: 0, byHand: 0, skipped: 0 },
    ...{ lastRun: null, attempts: 0, lastOutcome: null, lastError: null, endedAt: null, ...parts },
  };
}

const decide = (schedule: Schedule, now: Date, running: Running = 'no') => decideDue(schedule, now, running, cronTimes);

describe('the first slot', () => {
  test('of an interval comes after one interval, or after the delay', () => {
    expect(firstSlot({ every: 60_000 }, NOON, cronTimes)).toEqual(at(60_000));
    expect(firstSlot({ every: 60_000, delay: 5 }, NOON, cronTimes)).toEqual(at(5));
    expect(firstSlot({ once: true }, NOON, cronTimes)).toEqual(NOON);
    expect(firstSlot({ once: true, delay: 30_000 }, NOON, cronTimes)).toEqual(at(30_000));
  });

  test('of a cron pattern is read in its zone', () => {
    expect(firstSlot({ cron: '0 9 * * *', tz: 'America/New_York' }, NOON, cronTimes)).toEqual(
      new Date('2026-03-10T13:00:00Z'),
    );
    expect(firstSlot({ cron: '0 9 * * *' }, NOON, cronTimes)).toEqual(new Date('2026-03-11T09:00:00Z'));
    expect(firstSlot({ cron: '0 13 * * *', delay: 3_600_000 }, NOON, cronTimes)).toEqual(
      new Date('2026-03-11T13:00:00Z'),
    );
  });
});

describe('a schedule that is due', () => {
  test('fires its slot and moves to the next', () => {
    expect(decide(dueAtNoon({ every: 60_000 }), at(20))).toEqual({ fire: [NOON], skipped: 0, nextDue: at(60_000) });
    const daily = decide(dueAtNoon({ cron: '0 12 * * *' }), at(20));
    expect(daily).toEqual({ fire: [NOON], skipped: 0, nextDue: new Date('2026-03-11T12:00:00Z') });
  });

  test('that runs once is over afterwards, and fires however late it is', () => {
    expect(decide(dueAtNoon({ once: true, misfire: 'skip' }), at(86_400_000))).toEqual({
      fire: [NOON],
      skipped: 0,
      nextDue: null,
    });
  });

  test('is over when its limit is reached', () => {
    expect(decide(dueAtNoon({ every: 1_000, limit: 3 }, { fired: 2 }), NOON).nextDue).toBeNull();
    expect(decide(dueAtNoon({ every: 1_000, limit: 3 }, { fired: 1 }), NOON).nextDue).toEqual(at(1_000));
    expect(decide(dueAtNoon({ every: 1_000, limit: 2, overlap: 'allow' }), at(3_500)).fire).toEqual([NOON, at(1_000)]);
  });

  test('of whose slots several were missed fires one in their place', () => {
    const late = decide(dueAtNoon({ every: 60_000 }), at(5 * 60_000 + 30_000));
    expect(late).toEqual({ fire: [NOON], skipped: 0, nextDue: at(6 * 60_000) });
    const cron = decide(dueAtNoon({ cron: '0 * * * *' }), at(150 * 60_000));
    expect(cron).toEqual({ fire: [NOON], skipped: 0, nextDue: at(180 * 60_000) });
    const often = decide(dueAtNoon({ every: 1_000, overlap: 'allow' }), at(60_500));
    expect(often).toEqual({ fire: [NOON], skipped: 0, nextDue: at(61_000) });
  });

  test('of whose slots several were missed fires none of them when it says skip', () => {
    const late = decide(dueAtNoon({ every: 60_000, misfire: 'skip' }), at(5 * 60_000 + 30_000));
    expect(late).toEqual({ fire: [], skipped: 0, nextDue: at(6 * 60_000) });
    const often = decide(dueAtNoon({ every: 5_000, misfire: 'skip' }), at(62_000));
    expect(often).toEqual({ fire: [at(55_000), at(60_000)], skipped: 0, nextDue: at(65_000) });
  });

  test('fires every slot that is hardly late', () => {
    const slots = [NOON, at(1_000), at(2_000)];
    expect(decide(dueAtNoon({ every: 1_000, overlap: 'allow' }), at(2_500)).fire).toEqual(slots);
    expect(decide(dueAtNoon({ every: 1_000 }), at(2_500)).fire).toEqual(slots);
  });

  test('leaves the slot out while the run before is still going, unless they may overlap', () => {
    expect(decide(dueAtNoon({ every: 60_000 }), NOON, 'yes')).toEqual({ fire: [], skipped: 1, nextDue: at(60_000) });
    expect(decide(dueAtNoon({ every: 60_000, overlap: 'allow' }), NOON, 'yes').fire).toEqual([NOON]);
  });

  test('does not pile up runs behind one that waits for its handler', () => {
    expect(decide(dueAtNoon({ every: 60_000, overlap: 'allow' }), NOON, 'waiting-for-plugin').fire).toEqual([]);
  });
});

describe('when the clock is set back', () => {
  const YEAR = 365 * 86_400_000;
  const sooner = (schedule: Schedule, now: Date) => soonerSlot(schedule, now, cronTimes);

  test('a schedule that was made or moved on by the wrong time comes as soon as it should', () => {
    const hourly = { every: 3_600_000 };
    expect(sooner(dueAtNoon(hourly, { nextDue: at(YEAR), firstDue: at(YEAR) }), at(60_000))).toEqual(at(3_600_000));
    expect(sooner(dueAtNoon({ cron: '0 * * * *' }, { nextDue: at(YEAR) }), at(1))).toEqual(at(3_600_000));
    expect(sooner(dueAtNoon({ once: true, delay: 5_000 }, { nextDue: at(YEAR), firstDue: at(YEAR) }), NOON)).toEqual(
      at(5_000),
    );
  });

  test('a first run is as far away as its delay', () => {
    const delayed = dueAtNoon({ cron: '0 * * * *', delay: 7_200_000 }, { nextDue: at(YEAR), firstDue: at(YEAR) });
    expect(sooner(delayed, NOON)).toEqual(at(7_200_000));
  });

  test('what waits for its next slot goes on waiting for it', () => {
    expect(sooner(dueAtNoon({ every: 60_000 }), at(-30_000))).toBeUndefined();
    expect(sooner(dueAtNoon({ cron: '0 12 * * *' }), at(-30_000))).toBeUndefined();
    expect(sooner(dueAtNoon({ once: true, delay: 60_000 }), at(-30_000))).toBeUndefined();
    expect(sooner(dueAtNoon({ once: true }, { nextDue: null }), NOON)).toBeUndefined();
  });
});
