import { EntitySchema } from 'typeorm';
import type { Fire } from '../schedules/schedule.ts';

export const FireTable = new EntitySchema<Fire>({
  name: 'Fire',
  tableName: 'fires',
  columns: {
    id: { type: 'uuid', primary: true },
    tenant: { type: 'text' },
    pluginId: { name: 'plugin_id', type: 'text' },
    scheduleId: { name: 'schedule_id', type: 'uuid' },
    generation: { type: 'integer' },
    slot: { type: 'timestamptz' },
    state: { type: 'text' },
    priority: { type: 'integer' },
    mayOverlap: { name: 'may_overlap', type: 'boolean' },
    byHand: { name: 'by_hand', type: 'boolean' },
    attempt: { type: 'integer' },
    waits: { type: 'integer' },
    handlerWaits: { name: 'handler_waits', type: 'integer' },
    unanswered: { type: 'integer' },
    sendAt: { name: 'send_at', type: 'timestamptz' },
    outcome: { type: 'text', nullable: true },
    error: { type: 'text', nullable: true },
    tookMs: { name: 'took_ms', type: 'integer', nullable: true },
    finishedAt: { name: 'finished_at', type: 'timestamptz', nullable: true },
  },
});
