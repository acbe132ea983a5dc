import type { DataSource } from 'typeorm';

interface Query {
  query(sql: string, parameters?: unknown[]): Promise<unknown>;
}

/** What is kept by day: each day is a partition, made before it comes and dropped as a whole when it is over long enough. */
const TABLES = ['requests', 'body_chunks'] as const;
/** A gateway that cannot make them for this long has other worries. */
const DAYS_AHEAD = 3;
/** Whoever drops waits for whoever writes, and everybody who wants to write waits behind; so it rather tries again later. */
const LOCK_TIMEOUT = '2s';
/** Any number that nobody else locks by in this database. */
const DAYS_LOCK = 7_226_100_602;

interface Day {
  name: string;
  begins: string;
  ends: string;
}

/** Makes the days to come; by the database's clock, one gateway at a time. */
export async function makeComingDays(source: DataSource): Promise<void> {
  await source.transaction(async (runner) => {
    await runner.query('SELECT pg_advisory_xact_lock($1)', [DAYS_LOCK]);
    await makeDays(runner, 0);
  });
}

/** Drops the days that ended more than `keptDays` ago. */
export async function dropOldDays(source: DataSource, keptDays: number): Promise<void> {
  await source.transaction(async (runner) => {
    await runner.query(`SET LOCAL lock_timeout = '${LOCK_TIMEOUT}'`);
    await runner.query('SELECT pg_advisory_xact_lock($1)', [DAYS_LOCK]);
    for (const partition of await daysBefore(runner, keptDays)) await runner.query(`DROP TABLE ${partition}`);
  });
}

/** Makes the partitions from some days ago up to a few days ahead that are not there yet. */
export async function makeDays(runner: Query, daysBack: number): Promise<void> {
  const days = (await runner.query(
    `SELECT to_char(day, 'YYYYMMDD') AS name, day::date || ' 00:00:00+00' AS begins, day::date + 1 || ' 00:00:00+00' AS ends
     FROM generate_series((now() AT TIME ZONE 'UTC')::date - $1::int, (now() AT TIME ZONE 'UTC')::date + $2::int, '1 day') AS day`,
    [daysBack, DAYS_AHEAD],
  )) as Day[];
  const there = new Set(await partitionsOf(runner));
  for (const table of TABLES) {
    for (const { name, begins, ends } of days) {
      if (there.has(`${table}_${name}`)) continue;
      await runner.query(
        `CREATE TABLE ${table}_${name} PARTITION OF ${table} FOR VALUES FROM ('${begins}') TO ('${ends}')`,
      );
    }
  }
}

async function daysBefore(runner: Query, keptDays: number): Promise<string[]> {
  const [row] = (await runner.query(
    `SELECT to_char((now() AT TIME ZONE 'UTC')::date - $1::int, 'YYYYMMDD') AS oldest`,
    [keptDays],
  )) as { oldest: string }[];
  const oldest = row?.oldest ?? '';
  return (await partitionsOf(runner)).filter((name) => (name.split('_').at(-1) ?? '') < oldest);
}

async function partitionsOf(runner: Query): Promise<string[]> {
  const rows = (await runner.query(
    `SELECT child.relname AS name FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
     WHERE inhparent IN ('requests'::regclass, 'body_chunks'::regclass)`,
  )) as { name: string }[];
  return rows.map(({ name }) => name);
}
