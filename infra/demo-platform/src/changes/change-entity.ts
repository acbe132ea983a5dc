import { computeChanges } from '@verifywise/plugin-host';
import type { PluginHost } from '@verifywise/plugin-host';
import type { UserEventPayload } from '@verifywise/plugin-types';
import type { Pool } from 'pg';
import { allEntities } from '../entities/all-entities.ts';
import type { Change, Entity, Occurrence, Row } from '../entities/entity.ts';
import type { EntityStore } from '../store/entity-store.ts';
import { entityStore } from '../store/entity-store.ts';
import type { Query } from '../store/transaction.ts';
import { inTransaction } from '../store/transaction.ts';
import type { EntityFilters } from './entity-filters.ts';

/** Who makes a change, and the request it belongs to. */
export interface Actor {
  tenant: string;
  triggeredBy: UserEventPayload['triggeredBy'];
  correlationId: string;
}

type Values = Readonly<Record<string, unknown>>;

/** Creating, updating and deleting: plugins may filter what is written, and each tells the plugins in the transaction in which it happens. */
export interface EntityChanges {
  create(actor: Actor, entity: Entity, values: Values): Promise<Row>;
  update(actor: Actor, entity: Entity, id: number, values: Values): Promise<Row>;
  remove(actor: Actor, entity: Entity, id: number): Promise<void>;
  /** Tells of something that changes no row. */
  tell(actor: Actor, occurrence: Occurrence): Promise<void>;
}

export function createEntityChanges(pool: Pool, host: PluginHost, filters: EntityFilters): EntityChanges {
  return {
    // Plugins are asked before the transaction, which must not wait for them.
    async create(actor, entity, values) {
      const filtered = await filters.beforeSave(actor, entity, values);
      return change(actor, entity, async (rows) => {
        return { kind: 'created', after: await rows.insert(actor.tenant, filtered) };
      });
    },
    async update(actor, entity, id, values) {
      const filtered = await filters.beforeSave(actor, entity, values, () =>
        inTransaction(pool, (query) => entityStore(query, entity).find(actor.tenant, id)),
      );
      return change(actor, entity, async (rows) => {
        const before = await rows.find(actor.tenant, id, { lock: true });
        const after = await rows.update(actor.tenant, id, filtered);
        return { kind: 'updated', before, after, changes: changesOf(before, after) };
      });
    },
    async remove(actor, entity, id) {
      await change(actor, entity, async (rows) => {
        const before = await rows.find(actor.tenant, id, { lock: true });
        await rows.remove(actor.tenant, id);
        return { kind: 'deleted', before };
      });
    },
    tell: (actor, occurrence) => inTransaction(pool, (query) => emit(query, actor, [occurrence])),
  };

  function change(actor: Actor, entity: Entity, write: (rows: EntityStore) => Promise<Change<Row>>): Promise<Row> {
    return inTransaction(pool, async (query) => {
      const made = await write(entityStore(query, entity));
      if (made.kind !== 'updated' || Object.keys(made.changes).length > 0) {
        const occurrences = await entity.events(made, {
          userId: actor.triggeredBy.userId,
          find: (table, id) => entityStore(query, entityOf(table)).find(actor.tenant, id),
        });
        await emit(query, actor, occurrences);
      }
      return made.kind === 'deleted' ? made.before : made.after;
    });
  }

  async function emit(query: Query, actor: Actor, occurrences: readonly Occurrence[]): Promise<void> {
    const { tenant, triggeredBy, correlationId } = actor;
    for (const { event, own } of occurrences) {
      // The name is known only here, so the payload is checked when it is emitted, not when this is compiled.
      await host.emit<string>(event, { ...own, tenant, triggeredBy }, { transaction: query, correlationId });
    }
  }
}

/** That a row was touched is no change of it. */
function changesOf(before: Row, after: Row): ReturnType<typeof computeChanges> {
  const { updatedAt: _touchedBefore, ...was } = before;
  const { updatedAt: _touchedNow, ...is } = after;
  return computeChanges(was, is);
}

function entityOf(table: string): Entity {
  const entity = allEntities.find((one) => one.table === table);
  if (entity === undefined) throw new Error(`There is no entity with the table ${table}`);
  return entity;
}
