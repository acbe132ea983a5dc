import { EntitySchema } from 'typeorm';
import type { Schedule } from '../schedules/schedule.ts';

export const ScheduleTable = new EntitySchema<Schedule>({
  name: 'Schedule',
  tableName: 'schedules',
  columns: {
    id: { type: 'uuid', primary: true },
    tenant: { type: 'text' },
    pluginId: { name: 'plugin_id', type: 'text' },
    name: { type: 'text' },
    timing: { type: 'jsonb' },
    data: { type: 'jsonb', nullable: true },
    generation: { type: 'integer' },
    firstDue: { name: 'first_due', type: 'timestamptz' },
    nextDue: { name: 'next_due', type: 'timestamptz', nullable: true },
    paused: { type: 'boolean' },
    pluginDisabled: { name: 'plugin_disabled', type: 'boolean' },
    fired: { type: 'integer' },
    byHand: { name: 'by_hand', type: 'integer' },
    skipped: { type: 'integer' },
    lastRun: { name: 'last_run', type: 'timestamptz', nullable: true },
    attempts: { type: 'integer' },
    lastOutcome: { name: 'last_outcome', type: 'text', nullable: true },
    lastError: { name: 'last_error', type: 'text', nullable: true },
    endedAt: { name: 'ended_at', type: 'timestamptz', nullable: true },
  },
});
