import { CronExpressionParser, type CronExpression } from 'cron-parser';
import type { CronTimes } from '../schedules/slots.ts';
import { nextOnce, nextShown, type WallMs } from './zone-times.ts';

/** Minute, hour, day, month, weekday, and seconds before them if somebody needs them. */
const FIELD_COUNTS = [5, 6];
/** `H` picks a time by chance, so two schedulers would not agree on it. */
const BY_CHANCE = /(^|[\s,])H/;
const HOURS_OF_A_DAY = 24;

/**
 * Cron patterns by cron-parser, which reads them as if for UTC; zones are ours, because it finds no time at all where clocks are moved by
 * anything but an hour. A pattern that names hours runs once at each of them: an hour later where the time is left out, once where it comes
 * twice. One that runs every hour follows the clocks.
 */
export const cronTimes: CronTimes = {
  problem(cron) {
    const fields = cron.trim().split(/\s+/).length;
    if (!FIELD_COUNTS.includes(fields)) return `has ${fields} fields instead of five`;
    if (BY_CHANCE.test(cron)) return 'has an H, which stands for a time picked by chance';
    try {
      CronExpressionParser.parse(cron.trim(), { tz: 'UTC' }).next();
      return undefined;
    } catch (error) {
      return `cannot be read (${error instanceof Error ? error.message : String(error)})`;
    }
  },
  next(cron, tz, after) {
    const pattern = patternOf(cron);
    const times = (wall: WallMs) => nextWall(pattern, wall);
    const next = runsEveryHour(pattern) ? nextShown : nextOnce;
    const instant = next(times, tz, after.getTime());
    return instant === undefined ? undefined : new Date(instant);
  },
};

function runsEveryHour(pattern: CronExpression): boolean {
  return pattern.fields.hour.values.length === HOURS_OF_A_DAY;
}

/** cron-parser throws when it has looked far enough and found nothing. */
function nextWall(pattern: CronExpression, wall: WallMs): WallMs | undefined {
  try {
    pattern.reset(new Date(wall));
    return pattern.next().getTime();
  } catch {
    return undefined;
  }
}

/** Reading a pattern takes longer than finding its next time. */
const MOST_PATTERNS = 1_000;
const patterns = new Map<string, CronExpression>();

function patternOf(cron: string): CronExpression {
  let pattern = patterns.get(cron);
  if (pattern === undefined) {
    if (patterns.size >= MOST_PATTERNS) patterns.clear();
    patterns.set(cron, (pattern = CronExpressionParser.parse(cron, { tz: 'UTC' })));
  }
  return pattern;
}
