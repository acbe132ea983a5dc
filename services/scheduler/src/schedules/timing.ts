import { PlatformError, type ScheduleTiming } from '@verifywise/contracts';
import { DEFAULT_ZONE, type CronTimes } from './slots.ts';

/** A schedule that cannot be; the message says what is wrong with it and what would be right. */
export class ScheduleInvalidError extends PlatformError {
  constructor(field: string, message: string) {
    super('SCHEDULE_INVALID', message, { details: { field } });
  }
}

/** Runs follow each other more closely than the platform allows. */
export class ScheduleTooFrequentError extends PlatformError {
  constructor(field: string, shortestMs: number, wantedMs: number) {
    super(
      'SCHEDULE_TOO_FREQUENT',
      `${field} asks for runs ${wantedMs} ms apart, and ${shortestMs} ms is the shortest interval here; ask for a longer one`,
      { details: { field, shortestIntervalMs: shortestMs } },
    );
  }
}

/** How many runs of a pattern are looked at for its shortest interval: an hour of one that runs every minute. */
const LOOKED_AT = 60;
/** Beyond ten years it is a mistake of units. */
const MAX_SPAN_MS = 10 * 366 * 24 * 3_600_000;
const MAX_ATTEMPTS = 100;
const MAX_NAME_LENGTH = 128;
/** As large as a metadata value may be; larger things belong into the plugin's tables. */
const MAX_DATA_BYTES = 256 * 1024;

/** Control characters cannot be shown and half of them cannot be stored. */
// eslint-disable-next-line no-control-regex -- control characters are what it looks for
const NOT_IN_A_NAME = /[\u0000-\u001f\u007f]/;

export function checkName(name: unknown): asserts name is string {
  if (typeof name !== 'string' || name === '' || name.length > MAX_NAME_LENGTH || NOT_IN_A_NAME.test(name))
    throw new ScheduleInvalidError(
      'name',
      `A job's name is a text of 1 to ${MAX_NAME_LENGTH} characters without control characters`,
    );
}

export function checkData(data: unknown): void {
  const bytes = Buffer.byteLength(JSON.stringify(data ?? null));
  if (bytes > MAX_DATA_BYTES)
    throw new ScheduleInvalidError(
      'data',
      `The job's data has ${bytes} bytes as JSON, at most ${MAX_DATA_BYTES} are kept; store it and pass its id`,
    );
}

/** The timing with nothing in it but what was meant, so that two that mean the same are equal. Throws ScheduleInvalidError. */
export function checkedTiming(timing: ScheduleTiming, cron: CronTimes, shortestMs: number): ScheduleTiming {
  const { once, every, tz, delay, limit, priority, attempts, backoff, misfire, overlap } = timing;
  const kinds = [timing.cron !== undefined, every !== undefined, once === true].filter(Boolean).length;
  if (kinds !== 1)
    throw new ScheduleInvalidError(
      'cron',
      `A schedule has exactly one of cron, every and a single delayed run; this one has ${kinds === 0 ? 'none' : 'several'}`,
    );
  if (timing.cron !== undefined) checkCron(timing.cron, cron, shortestMs);
  if (every !== undefined) {
    checkWhole('every', every, 1, MAX_SPAN_MS, 'milliseconds');
    if (every < shortestMs) throw new ScheduleTooFrequentError('every', shortestMs, every);
  }
  if (tz !== undefined) checkZone(tz);
  if (delay !== undefined) checkWhole('delay', delay, 0, MAX_SPAN_MS, 'milliseconds');
  if (limit !== undefined) checkWhole('limit', limit, 1, Number.MAX_SAFE_INTEGER, 'runs');
  if (priority !== undefined) checkWhole('priority', priority, 0, 2 ** 21, 'steps');
  if (attempts !== undefined) checkWhole('attempts', attempts, 1, MAX_ATTEMPTS, 'attempts');
  if (misfire !== undefined) checkWord('misfire', misfire, ['fire_once', 'skip']);
  if (overlap !== undefined) checkWord('overlap', overlap, ['skip', 'allow']);
  if (backoff !== undefined) {
    checkWord('backoff.type', backoff.type, ['fixed', 'exponential']);
    checkWhole('backoff.delay', backoff.delay, 0, MAX_SPAN_MS, 'milliseconds');
  }
  return {
    ...(timing.cron === undefined ? {} : { cron: timing.cron.trim() }),
    ...(tz === undefined ? {} : { tz }),
    ...(every === undefined ? {} : { every }),
    ...(once === true ? { once } : {}),
    ...(delay === undefined ? {} : { delay }),
    ...(limit === undefined ? {} : { limit }),
    ...(priority === undefined ? {} : { priority }),
    ...(attempts === undefined ? {} : { attempts }),
    ...(backoff === undefined ? {} : { backoff: { type: backoff.type, delay: backoff.delay } }),
    ...(misfire === undefined ? {} : { misfire }),
    ...(overlap === undefined ? {} : { overlap }),
  };
}

function checkCron(pattern: unknown, cron: CronTimes, shortestMs: number): void {
  const problem = typeof pattern === 'string' ? cron.problem(pattern) : 'is not a text';
  if (problem !== undefined)
    throw new ScheduleInvalidError(
      'cron',
      `The cron pattern "${String(pattern)}" ${problem}; for example "0 9 * * 1-5"`,
    );
  const interval = shortestInterval(String(pattern), cron, shortestMs);
  if (interval < shortestMs) throw new ScheduleTooFrequentError('cron', shortestMs, interval);
}

/** Of the pattern's next runs; seen as soon as it is too short. */
function shortestInterval(pattern: string, cron: CronTimes, shortestMs: number): number {
  let shortest = Infinity;
  let last: Date | undefined;
  let next = cron.next(pattern.trim(), DEFAULT_ZONE, new Date());
  for (let count = 0; count < LOOKED_AT && next !== undefined && shortest >= shortestMs; count += 1) {
    if (last !== undefined) shortest = Math.min(shortest, next.getTime() - last.getTime());
    last = next;
    next = cron.next(pattern.trim(), DEFAULT_ZONE, next);
  }
  return shortest;
}

function checkZone(tz: unknown): void {
  try {
    if (typeof tz !== 'string' || tz === '') throw new RangeError('not a text');
    new Intl.DateTimeFormat('en', { timeZone: tz });
  } catch {
    throw new ScheduleInvalidError('tz', `"${String(tz)}" is not a known time zone; for example "Europe/Berlin"`);
  }
}

function checkWhole(field: string, value: unknown, min: number, max: number, unit: string): void {
  if (!Number.isSafeInteger(value) || Number(value) < min || Number(value) > max)
    throw new ScheduleInvalidError(
      field,
      `${field} is a whole number of ${unit} from ${min} to ${max}, not ${String(value)}`,
    );
}

function checkWord(field: string, value: unknown, words: readonly string[]): void {
  if (typeof value !== 'string' || !words.includes(value))
    throw new ScheduleInvalidError(field, `${field} is one of ${words.join(' and ')}, not ${String(value)}`);
}
