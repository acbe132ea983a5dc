const HOUR_MS = 3_600_000;
/** Far enough from a wall time, read as if it were UTC, to be certainly before or after it in every zone. */
const A_DAY_AND_MORE_MS = 26 * HOUR_MS;
/** More than zones ever move their clocks by. */
const LARGEST_CHANGE_MS = 3 * HOUR_MS;

/** What a zone's clocks show, as the milliseconds that UTC's clocks would show it at. */
export type WallMs = number;

/** The wall times of a pattern, in order: the first one after `wall`. */
export type WallTimes = (wall: WallMs) => WallMs | undefined;

/**
 * The first moment after `after` at which a zone's clocks show one of the wall times, however often they show it: what is meant by every
 * hour, or by every few minutes. Times that clocks leave out do not come.
 */
export function nextShown(times: WallTimes, tz: string, after: number): number | undefined {
  let from = after;
  let offset = offsetAt(tz, from);
  for (;;) {
    const wall = times(from + offset);
    if (wall === undefined) return undefined;
    const found = wall - offset;
    // Of a time that is far away only the days before it matter.
    if (found - from > 4 * A_DAY_AND_MORE_MS) {
      const changesHere = offsetAt(tz, from + LARGEST_CHANGE_MS) !== offset;
      if (!changesHere) {
        from = found - 2 * A_DAY_AND_MORE_MS;
        offset = offsetAt(tz, from);
        continue;
      }
    }
    const until = [Math.min(found, from + LARGEST_CHANGE_MS), found].find((at) => offsetAt(tz, at) !== offset);
    if (until === undefined) return found;
    const change = firstChange(tz, from, until, offset);
    from = change - 1;
    offset = offsetAt(tz, change);
  }
}

/**
 * The first moment after `after` that stands for one of the wall times, each of which comes once: one that clocks show twice at the first
 * time, one that they leave out as much later as they are moved.
 */
export function nextOnce(times: WallTimes, tz: string, after: number): number | undefined {
  const offsets = [after - A_DAY_AND_MORE_MS, after, after + A_DAY_AND_MORE_MS].map((at) => offsetAt(tz, at));
  let best: number | undefined;
  let wall = times(after + Math.min(...offsets));
  while (wall !== undefined) {
    const { instant, earliest } = placeOf(tz, wall);
    if (best !== undefined && earliest >= best) break;
    if (instant > after && (best === undefined || instant < best)) best = instant;
    // Around here no clock is moved, so the next wall time is later.
    if (best === instant && earliest === instant) break;
    wall = times(wall);
  }
  return best;
}

/** When a wall time comes, and before when no later wall time can come. */
function placeOf(tz: string, wall: WallMs): { instant: number; earliest: number } {
  const before = offsetAt(tz, wall - A_DAY_AND_MORE_MS);
  const after = offsetAt(tz, wall + A_DAY_AND_MORE_MS);
  const earliest = wall - Math.max(before, after);
  if (before === after || offsetAt(tz, wall - before) === before) return { instant: wall - before, earliest };
  const isLeftOut = offsetAt(tz, wall - after) !== after;
  return { instant: wall - (isLeftOut ? before : after), earliest };
}

/** The first moment in the span at which the offset is another one; at its end it is. */
function firstChange(tz: string, from: number, until: number, offset: number): number {
  let [same, other] = [from, until];
  while (other - same > 1) {
    const middle = Math.floor((same + other) / 2);
    if (offsetAt(tz, middle) === offset) same = middle;
    else other = middle;
  }
  return other;
}

/** There are some hundred zones, but many ways to write them. */
const MOST_FORMATS = 1_000;
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(tz: string): Intl.DateTimeFormat {
  let format = formats.get(tz);
  if (format === undefined) {
    if (formats.size >= MOST_FORMATS) formats.clear();
    format = new Intl.DateTimeFormat('en-US', {
      ...{ timeZone: tz, calendar: 'iso8601', hourCycle: 'h23', era: 'short' },
      ...{ year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' },
    });
    formats.set(tz, format);
  }
  return format;
}

/** How much later than UTC's a zone's clocks show a moment, in milliseconds. */
function offsetAt(tz: string, instant: number): number {
  if (tz === 'UTC') return 0;
  const shown = { year: 0, month: 1, day: 1, hour: 0, minute: 0, second: 0 };
  for (const { type, value } of formatOf(tz).formatToParts(instant)) {
    if (type in shown) shown[type as keyof typeof shown] = Number(value);
  }
  const { year, month, day, hour, minute, second } = shown;
  const seconds = Math.floor(instant / 1_000) * 1_000;
  return Date.UTC(year, month - 1, day, hour, minute, second) - seconds;
}
