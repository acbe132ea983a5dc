import { CronExpressionParser, type CronExpression } from 'cron-parser';
import type { CronTimes } from '../schedules/slots.ts';

/** Minute, hour, day, month, weekday, and seconds before them if somebody needs them. */
const FIELD_COUNTS = [5, 6];
/** `H` picks a time by chance, so two schedulers would not agree on it. */
const BY_CHANCE = /(^|[\s,])H/;

/** Cron patterns by cron-parser; daylight saving: a time that does not exist runs an hour later, one that comes twice runs once. */
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
  next: (cron, tz, after) => timeOf(() => parsed(cron, tz, after).next()),
  // cron-parser looks strictly before its current date.
  latest: (cron, tz, at) => timeOf(() => parsed(cron, tz, new Date(at.getTime() + 1)).prev()),
};

function parsed(cron: string, tz: string, currentDate: Date): CronExpression {
  return CronExpressionParser.parse(cron, { tz, currentDate });
}

/** cron-parser throws when it has looked far enough and found nothing. */
function timeOf(find: () => { toDate(): Date }): Date | undefined {
  try {
    return find().toDate();
  } catch {
    return undefined;
  }
}
