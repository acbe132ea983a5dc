import { randomUUID } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import type { RunNowAnswer } from '../schedules/books.ts';
import type { Schedule } from '../schedules/schedule.ts';
import { UNFINISHED } from './fire-states.ts';
import { FireTable } from './fire-table.ts';
import { ScheduleTable } from './schedule-table.ts';

/** A run beside the slots. One that waits already is what is run now; beside one that is going there is none, unless they may overlap. */
export async function runByHand(manager: EntityManager, { id }: Pick<Schedule, 'id'>): Promise<RunNowAnswer> {
  const schedule = await manager.findOne(ScheduleTable, { where: { id }, lock: { mode: 'pessimistic_write' } });
  if (schedule === null) return { kind: 'gone' };
  if (schedule.pluginDisabled) return { kind: 'plugin-disabled' };
  if (schedule.timing.overlap !== 'allow') {
    const [unfinished] = await manager.query<{ id: string; state: string }[]>(
      `SELECT id, state FROM fires WHERE schedule_id = $1 AND ${UNFINISHED} ORDER BY slot LIMIT 1 FOR UPDATE`,
      [id],
    );
    if (unfinished?.state === 'sending' || unfinished?.state === 'sent') return { kind: 'running' };
    if (unfinished !== undefined) return hasten(manager, unfinished.id);
  }
  return add(manager, schedule);
}

async function hasten(manager: EntityManager, id: string): Promise<RunNowAnswer> {
  await manager.query('UPDATE fires SET send_at = clock_now(), by_hand = true WHERE id = $1', [id]);
  return { kind: 'fire', fire: await manager.findOneByOrFail(FireTable, { id }) };
}

async function add(manager: EntityManager, { id, timing }: Schedule): Promise<RunNowAnswer> {
  const fireId = randomUUID();
  for (let microseconds = 0; ; microseconds += 1) {
    // A slot of its own, which it may have to step aside for.
    const added = await manager.query<unknown[]>(
      `INSERT INTO fires (id, tenant, plugin_id, schedule_id, generation, slot, state, priority, may_overlap, by_hand, send_at)
       SELECT $1, tenant, plugin_id, id, generation, clock_now() + $2 * interval '1 microsecond', 'due', $3, $4, true, clock_now()
       FROM schedules WHERE id = $5 ON CONFLICT DO NOTHING RETURNING id`,
      [fireId, microseconds, timing.priority ?? 0, timing.overlap === 'allow', id],
    );
    if (added.length > 0) break;
  }
  await manager.query('UPDATE schedules SET by_hand = by_hand + 1 WHERE id = $1', [id]);
  return { kind: 'fire', fire: await manager.findOneByOrFail(FireTable, { id: fireId }) };
}
