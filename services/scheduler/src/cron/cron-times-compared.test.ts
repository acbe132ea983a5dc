import { expect, test } from '@jest/globals';
import { Cron } from 'croner';
import { cronTimes } from './cron-times.ts';

/** Another library's opinion, which the product does not use. */
function independentNext(cron: string, tz: string, after: Date): Date | undefined {
  return new Cron(cron, { timezone: tz }).nextRun(after) ?? undefined;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const TEN_MINUTES_MS = HOUR_MS / 6;
const FROM = Date.parse('2025-01-01T00:00:00Z');
const UNTIL = Date.parse('2035-01-01T00:00:00Z');

const ZONES = [
  ...['UTC', 'Europe/Berlin', 'America/New_York', 'America/Santiago', 'Africa/Casablanca', 'Asia/Kathmandu'],
  ...['Australia/Lord_Howe', 'Pacific/Chatham', 'America/St_Johns', 'Antarctica/Troll', 'Pacific/Apia'],
];

/** The same numbers in every run, so that a failure comes again. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** A pattern as people write them: numbers, lists, ranges, steps, and days of the month or of the week. */
function somePattern(below: (most: number) => number): string {
  const field = (from: number, to: number): string => {
    const one = () => from + below(to - from + 1);
    const [low, high] = [one(), one()].sort((a, b) => a - b);
    const kinds = ['*', `*/${2 + below(5)}`, `${one()}`, `${one()}`, `${one()},${one()}`, `${low}-${high}`];
    return kinds[below(kinds.length)] as string;
  };
  const days = [
    ['*', '*'],
    [field(1, 28), '*'],
    ['*', field(0, 6)],
    [field(1, 31), field(0, 6)],
  ][below(4)] as [string, string];
  return [field(0, 59), field(0, 23), days[0], below(3) === 0 ? field(1, 12) : '*', days[1]].join(' ');
}

/** What a zone's clocks show, to the minute; and how far they are from UTC's. */
class Clocks {
  readonly #format: Intl.DateTimeFormat;

  constructor(timeZone: string) {
    this.#format = new Intl.DateTimeFormat('sv', { timeZone, dateStyle: 'short', timeStyle: 'short' });
  }

  shown(at: number): string {
    return this.#format.format(at);
  }

  offset(at: number): number {
    const minute = Math.floor(at / 60_000) * 60_000;
    return Date.parse(`${this.shown(at).replace(' ', 'T')}Z`) - minute;
  }

  /** Within a day and a bit on either side of a change. */
  isNearChange(at: Date): boolean {
    return this.offset(at.getTime() - 1.2 * DAY_MS) !== this.offset(at.getTime() + 1.2 * DAY_MS);
  }

  /** The moments at which they are moved. */
  changes(): number[] {
    const changes: number[] = [];
    for (let day = FROM; day < UNTIL; day += DAY_MS) {
      let [same, other] = [day, day + DAY_MS];
      if (this.offset(same) === this.offset(other)) continue;
      while (other - same > 60_000) {
        const middle = Math.floor((same + other) / 120_000) * 60_000;
        if (this.offset(middle) === this.offset(same)) same = middle;
        else other = middle;
      }
      changes.push(other);
    }
    return changes;
  }
}

test.each(ZONES)('patterns have the times in %s that another library finds, over ten years', (tz) => {
  const below = numbers(ZONES.indexOf(tz) + 1);
  const clocks = new Clocks(tz);
  let compared = 0;
  for (let count = 0; count < 36; count += 1) {
    const cron = somePattern(below);
    if (cronTimes.problem(cron) !== undefined) continue;
    for (let sample = 0; sample < 6; sample += 1) {
      const after = new Date(FROM + below((UNTIL - FROM) / 1_000) * 1_000);
      const expected = independentNext(cron, tz, after);
      // What they make of the hours around a change is a choice; ours is told of in cron-times.test.ts.
      if (expected === undefined || clocks.isNearChange(after) || clocks.isNearChange(expected)) continue;
      expect([cron, after, cronTimes.next(cron, tz, after)]).toEqual([cron, after, expected]);
      compared += 1;
    }
  }
  expect(compared).toBeGreaterThan(120);
});

const OFTEN_MOVED = [
  'Europe/Berlin',
  'Australia/Lord_Howe',
  'America/St_Johns',
  'Antarctica/Troll',
  'America/Santiago',
];

test.each(OFTEN_MOVED)(
  'around every change of the clocks of %s in ten years no time is left out or comes twice',
  (tz) => {
    const clocks = new Clocks(tz);
    const changes = clocks.changes();
    expect(changes.length).toBe(20);
    for (const change of changes) {
      const [from, until] = [change - 5 * HOUR_MS, change + 5 * HOUR_MS];
      const tens = Array.from(
        { length: (until - from) / TEN_MINUTES_MS },
        (_, index) => from + (index + 1) * TEN_MINUTES_MS,
      );
      const tensAndForties = tens.filter((at) => /:[14]0$/.test(clocks.shown(at)));
      // Every hour: whenever the clocks show it.
      expect(timesOf('10,40 * * * *', tz, from, until)).toEqual(tensAndForties);

      // At hours that are named: when the clocks show it first, and what they leave out as much later as they are moved.
      const firsts = new Map<string, number>();
      for (const at of tensAndForties) if (!firsts.has(clocks.shown(at))) firsts.set(clocks.shown(at), at);
      const moved = clocks.offset(change) - clocks.offset(change - 60_000);
      const leftOut = Array.from(
        { length: Math.max(moved, 0) / TEN_MINUTES_MS },
        (_, index) => change + index * TEN_MINUTES_MS,
      ).filter((at) => [10, 40].includes(new Date(at + clocks.offset(change - 60_000)).getUTCMinutes()));
      const named = timesOf('10,40 0-22 * * *', tz, from, until);
      const notAt23 = (at: number) => !/ 23:/.test(clocks.shown(at)) || leftOut.includes(at);
      expect(named).toEqual([...new Set([...firsts.values(), ...leftOut])].filter(notAt23).sort((a, b) => a - b));
    }
  },
);

function timesOf(cron: string, tz: string, from: number, until: number): number[] {
  const found: number[] = [];
  for (let at = cronTimes.next(cron, tz, new Date(from)); at && at.getTime() <= until;) {
    found.push(at.getTime());
    at = cronTimes.next(cron, tz, at);
  }
  return found;
}
