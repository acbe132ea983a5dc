import pg from 'pg';

type Parse = (text: string) => unknown;

const [DATE, TIMESTAMP, DATES, TIMESTAMPS] = [1082, 1114, 1182, 1115];
const [TIMESTAMPTZ, TEXTS] = [1184, 1009];

const instant = parser(TIMESTAMPTZ);
const texts = parser(TEXTS) as (text: string) => (string | null)[];
/** Sessions run in UTC, so what carries no zone is in UTC, wherever the runner stands. */
const timestamp: Parse = (text) => instant(text.replace(/( BC)?$/, '+00$1'));
const date: Parse = (text) => instant(text.replace(/( BC)?$/, ' 00:00:00+00$1'));
const listOf =
  (parse: Parse): Parse =>
  (text) =>
    texts(text).map((element) => (element === null ? null : parse(element)));

const inUtc = new Map<number, Parse>([
  [DATE, unlessInfinite(date)],
  [TIMESTAMP, unlessInfinite(timestamp)],
  [DATES, listOf(unlessInfinite(date))],
  [TIMESTAMPS, listOf(unlessInfinite(timestamp))],
]);

/** How the text of a column becomes a value: as pg does it (`int8` and `numeric` stay text, exact), but dates in UTC. */
export function parserOf(type: number): Parse {
  return inUtc.get(type) ?? parser(type);
}

/** Types are numbers of the database, of which pg's own list is only a part. */
function parser(type: number): Parse {
  return (pg.types.getTypeParser as (type: number, format: 'text') => Parse)(type, 'text');
}

function unlessInfinite(parse: Parse): Parse {
  return (text) => (text.endsWith('infinity') ? instant(text) : parse(text));
}
