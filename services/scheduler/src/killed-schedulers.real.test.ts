import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually } from '../../../test/support/eventually.ts';
import { runsOf, SchedulerRoom } from './testing/scheduler-room.ts';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
const GATE = 4_711;

/**
 * Where a scheduler is killed between a slot that is due and its outcome (docs/reliability.md draws them). At each of them PostgreSQL has
 * it stand still: in a trigger that waits for a lock which the test holds.
 */
const POINTS = {
  'while it writes the slot down': 'BEFORE INSERT ON scheduler.fires',
  'when the slot is written down and nobody has claimed it':
    "BEFORE UPDATE ON scheduler.fires WHEN|NEW.state = 'sending' AND OLD.state = 'due'",
  'when the broker has it and the database does not know': "BEFORE UPDATE ON scheduler.fires WHEN|NEW.state = 'sent'",
  'while it writes the outcome down': "BEFORE UPDATE ON scheduler.fires WHEN|NEW.state = 'done'",
  'when the outcome is written down and the fact not acknowledged':
    "CONSTRAINT AFTER UPDATE ON scheduler.fires DEFERRABLE INITIALLY DEFERRED WHEN|NEW.state = 'done'",
};

let room: SchedulerRoom;

beforeAll(async () => {
  room = await SchedulerRoom.open(6);
  // The first one makes the tables.
  await (await room.scheduler()).stop();
  await room.sql.query(`CREATE FUNCTION scheduler.stand_still() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_advisory_xact_lock_shared(${GATE}); RETURN NEW; END $$`);
}, 60_000);
afterEach(() => room.clear(), 60_000);
afterAll(() => room.close(), 60_000);

/** A scheduler in a process of its own, to be killed. */
async function aVictim(): Promise<{ kill(): Promise<void> }> {
  const child: ChildProcess = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN], {
    env: { PATH: process.env.PATH, ...room.settings({ LOG_LEVEL: 'fatal' }) },
    stdio: 'ignore',
  });
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  room.onClear(kill);
  // It answers for the schedules of whoever asks.
  await eventually(() => room.list('nobody'));
  return { kill };
}

async function closeGate(point: string): Promise<void> {
  const [when = '', condition] = point.split('|');
  const trigger = when.startsWith('CONSTRAINT') ? 'CONSTRAINT TRIGGER' : 'TRIGGER';
  const body = when.replace('CONSTRAINT ', '').replace(' WHEN', '');
  const only = condition === undefined ? '' : `WHEN (${condition})`;
  await room.sql.query(`CREATE ${trigger} gate ${body} FOR EACH ROW ${only} EXECUTE FUNCTION scheduler.stand_still()`);
  await room.sql.query('SELECT pg_advisory_lock($1)', [GATE]);
}

async function somebodyStands(): Promise<void> {
  const waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = $1 AND NOT granted";
  await eventually(async () => expect(await room.rows(waiting, [GATE])).not.toEqual([]));
}

/** What was begun and not committed is undone, since nobody is there any more to commit it. */
async function openGate(): Promise<void> {
  await room.sql.query('SELECT pg_advisory_unlock($1)', [GATE]);
  await room.sql.query('DROP TRIGGER gate ON scheduler.fires');
}

async function isDoneOnce(): Promise<void> {
  const fires =
    'SELECT f.state, s.fired, s.last_outcome FROM scheduler.fires f JOIN scheduler.schedules s ON s.id = schedule_id';
  await eventually(async () =>
    expect(await room.rows(fires)).toEqual([{ state: 'done', fired: 1, last_outcome: 'done' }]),
  );
}

describe('a scheduler that is killed', () => {
  test.each(Object.entries(POINTS))(
    '%s leaves a slot that another fires, once',
    async (_name, point) => {
      const runner = await room.runner('acme', () => 'done');
      const victim = await aVictim();
      await closeGate(point);
      await room.schedule('acme', 'once', { once: true, delay: 0 });
      await somebodyStands();
      await victim.kill();
      await openGate();
      await room.scheduler();
      await isDoneOnce();
      expect(runner.received).toHaveLength(1);
    },
    60_000,
  );

  test('when the slot is claimed and the broker away leaves a slot that another fires, once', async () => {
    const runner = await room.runner('acme', () => 'done');
    const victim = await aVictim();
    await room.schedule('acme', 'once', { once: true, delay: 2_000 });
    await room.rabbit.kill();
    await eventually(async () =>
      expect(await room.rows('SELECT state FROM scheduler.fires')).toEqual([{ state: 'sending' }]),
    );
    await victim.kill();
    await room.rabbit.restart();
    await room.scheduler();
    await isDoneOnce();
    expect(new Set(runsOf(runner).map(({ fireId }) => fireId)).size).toBe(1);
  }, 90_000);
});
