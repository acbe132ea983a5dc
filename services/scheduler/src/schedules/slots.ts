import type { ScheduleTiming } from '@verifywise/contracts';
import type { Running, Schedule } from './schedule.ts';

/** Reads cron patterns; the room `cron/` knows how. */
export interface CronTimes {
  /** What is wrong with a pattern, as the end of a sentence; undefined when it is fine. */
  problem(cron: string): string | undefined;
  /** The first time after `after`; undefined when there is none. */
  next(cron: string, tz: string, after: Date): Date | undefined;
}

/** A slot that is late by less than this was not missed: the sweeper comes around sooner. */
export const MISSED_AFTER_MS = 10_000;

export const DEFAULT_ZONE = 'UTC';

type Timed = Pick<Schedule, 'timing' | 'firstDue'>;

/** When a new schedule fires first; undefined when it never would. */
export function firstSlot(timing: ScheduleTiming, now: Date, cron: CronTimes): Date | undefined {
  const begin = now.getTime() + (timing.delay ?? 0);
  if (timing.cron !== undefined) return cron.next(timing.cron, timing.tz ?? DEFAULT_ZONE, new Date(begin));
  // Without a delay the first run comes after one interval, as with setInterval.
  if (timing.every !== undefined && timing.delay === undefined) return new Date(begin + timing.every);
  return new Date(begin);
}

function nextSlot({ timing, firstDue }: Timed, after: Date, cron: CronTimes): Date | undefined {
  if (timing.cron !== undefined) return cron.next(timing.cron, timing.tz ?? DEFAULT_ZONE, after);
  if (timing.every === undefined) return undefined;
  const passed = Math.floor((after.getTime() - firstDue.getTime()) / timing.every) + 1;
  return new Date(firstDue.getTime() + passed * timing.every);
}

/** What is to happen with a schedule whose next slot has come. */
export interface DueDecision {
  fire: Date[];
  /** Slots left out because the run before is still going. */
  skipped: number;
  nextDue: Date | null;
}

/**
 * Decides which slots fire now. Slots that are on time all fire; when some were missed longer ago, one fires in the place of all, or those
 * that are on time (`misfire`). With `overlap: 'skip'` no slot fires beside a run that was going when it came.
 */
export function decideDue(schedule: Schedule, now: Date, running: Running, cron: CronTimes): DueDecision {
  const due = schedule.nextDue;
  if (due === null) return { fire: [], skipped: 0, nextDue: null };
  const { timing } = schedule;
  // A single run that was asked for is never left out.
  if (timing.once === true) return { fire: [due], skipped: 0, nextDue: null };

  const after = nextSlot(schedule, now, cron) ?? null;
  const missed = due.getTime() < now.getTime() - MISSED_AFTER_MS;
  const slots = missed && timing.misfire !== 'skip' ? [due] : slotsOnTime(schedule, due, now, cron);

  // A run that waits for its plugin stands for those that would only wait behind it.
  if (running === 'waiting-for-plugin' || (running === 'yes' && timing.overlap !== 'allow'))
    return { fire: [], skipped: slots.length, nextDue: after };

  const left = (timing.limit ?? Infinity) - schedule.fired;
  const fire = slots.slice(0, left);
  return { fire, skipped: 0, nextDue: fire.length >= left ? null : after };
}

/** After the clock was set back: the slot that comes before the one the schedule waits for, if there is one. */
export function soonerSlot(schedule: Schedule, now: Date, cron: CronTimes): Date | undefined {
  const { timing, firstDue, nextDue } = schedule;
  if (nextDue === null) return undefined;
  // By the clock as it is now the first slot is no further away than its delay.
  const first = Math.min(firstDue.getTime(), now.getTime() + (timing.delay ?? 0));
  const next =
    timing.once === true ? new Date(first) : nextSlot(schedule, new Date(Math.max(now.getTime(), first - 1)), cron);
  return next !== undefined && next < nextDue ? next : undefined;
}

/** The slots from `due` to `now` that are not late enough to count as missed, oldest first. */
function slotsOnTime(schedule: Schedule, due: Date, now: Date, cron: CronTimes): Date[] {
  const missedBefore = now.getTime() - MISSED_AFTER_MS;
  let slot: Date | undefined = due;
  if (due.getTime() < missedBefore) slot = nextSlot(schedule, new Date(missedBefore), cron);
  const slots: Date[] = [];
  while (slot !== undefined && slot <= now) {
    slots.push(slot);
    slot = nextSlot(schedule, slot, cron);
  }
  return slots;
}
