import { isDeepStrictEqual } from 'node:util';
import type { PluginHost } from '@verifywise/plugin-host';
import { filterNames } from '@verifywise/plugin-types';
import type { Entity, Row } from '../entities/entity.ts';
import type { Actor } from './change-entity.ts';

type Values = Readonly<Record<string, unknown>>;

/** Plugins' filters over what is saved, loaded and reported (contract §1). */
export interface EntityFilters {
  /** What is to be written, as plugins have left it; `find` gives the row that is changed. */
  beforeSave(actor: Actor, entity: Entity, values: Values, find?: () => Promise<Row>): Promise<Values>;
  afterLoad(tenant: string, entity: Entity, row: Row): Promise<Row>;
  afterGenerate(actor: Actor, report: Row, options: Values): Promise<Row>;
}

export function createEntityFilters(
  { applyFilters }: Pick<PluginHost, 'applyFilters'>,
  { deadlineMs }: { deadlineMs: number },
): EntityFilters {
  const exists = (filter: string): boolean => (filterNames as readonly string[]).includes(filter);
  return {
    async beforeSave({ tenant, triggeredBy, correlationId }, entity, values, find) {
      const filter = `${entity.one}:before_save`;
      if (!exists(filter)) return values;
      const whole: Values = { ...(await find?.()), ...values };
      const { projectId } = whole;
      const about = { userId: triggeredBy.userId, isNew: find === undefined, ...(projectId ? { projectId } : {}) };
      // The name is known only here, so its data is not checked when this is compiled.
      const data = await applyFilters<string, Values>(
        tenant,
        filter,
        { [entity.one]: whole, ...about },
        { deadlineMs, correlationId },
      );
      return writable(entity, values, whole, data[entity.one]);
    },
    async afterLoad(tenant, entity, row) {
      const filter = `${entity.one}:after_load`;
      if (!exists(filter)) return row;
      const data = await applyFilters<string, Values>(
        tenant,
        filter,
        { [entity.one]: row, includeMetadata: false },
        { deadlineMs },
      );
      return data[entity.one] as Row;
    },
    async afterGenerate({ tenant, correlationId }, report, options) {
      const given = { report, projectId: Number(report['projectId']), options };
      const data = await applyFilters<string, Values>(tenant, 'report:after_generate', given, {
        deadlineMs,
        correlationId,
      });
      return data['report'] as Row;
    },
  };
}

/** What was to be written, and what plugins have changed beside it: the columns of this entity only. */
function writable(entity: Entity, values: Values, before: Values, filtered: unknown): Values {
  const after = Object(filtered) as Values;
  const names = Object.keys(entity.fields).filter(
    (name) => name in after && (name in values || !isDeepStrictEqual(before[name], after[name])),
  );
  return { ...values, ...Object.fromEntries(names.map((name) => [name, after[name]])) };
}
