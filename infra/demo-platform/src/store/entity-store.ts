import { PlatformError } from '@verifywise/contracts';
import type { Entity, Row } from '../entities/entity.ts';
import { columnOf, shownColumns } from './columns.ts';
import { CORE } from './core-schema.ts';
import type { Query } from './transaction.ts';

export interface Page {
  limit: number;
  offset: number;
  projectId?: number;
}

/** The rows of one entity. Every statement is about one tenant. */
export interface EntityStore {
  list(tenant: string, page: Page): Promise<{ items: Row[]; total: number }>;
  /** Throws NOT_FOUND. With `lock` nobody else changes it before the transaction ends. */
  find(tenant: string, id: number, options?: { lock: boolean }): Promise<Row>;
  insert(tenant: string, values: Readonly<Record<string, unknown>>): Promise<Row>;
  update(tenant: string, id: number, values: Readonly<Record<string, unknown>>): Promise<Row>;
  remove(tenant: string, id: number): Promise<void>;
  /** The content of a hidden field. */
  hidden(tenant: string, id: number, field: string): Promise<unknown>;
}

export function entityStore(query: Query, entity: Entity): EntityStore {
  const table = `${CORE}.${entity.table}`;
  const shown = shownColumns(entity);
  const notFound = (id: number): PlatformError => new PlatformError('NOT_FOUND', `There is no ${entity.one} ${id}`);

  return {
    async list(tenant, { limit, offset, projectId }) {
      const filters = ['tenant = $1'];
      const params: unknown[] = [tenant];
      if (projectId !== undefined && 'projectId' in entity.fields)
        filters.push(`project_id = $${params.push(projectId)}`);
      const where = filters.join(' AND ');
      const [counted] = await query<{ total: string }>(`SELECT count(*) AS total FROM ${table} WHERE ${where}`, params);
      const items = await query<Row>(
        `SELECT ${shown} FROM ${table} WHERE ${where} ORDER BY id LIMIT ${limit} OFFSET ${offset}`,
        params,
      );
      return { items, total: Number(counted?.total ?? 0) };
    },
    async find(tenant, id, { lock } = { lock: false }) {
      const lockClause = lock ? ' FOR UPDATE' : '';
      const [row] = await query<Row>(`SELECT ${shown} FROM ${table} WHERE tenant = $1 AND id = $2${lockClause}`, [
        tenant,
        id,
      ]);
      if (row === undefined) throw notFound(id);
      return row;
    },
    async insert(tenant, values) {
      const names = Object.keys(values);
      const columns = ['tenant', ...names.map(columnOf)].join(', ');
      const places = [tenant, ...names].map((_, index) => `$${index + 1}`).join(', ');
      const [row] = await query<Row>(`INSERT INTO ${table} (${columns}) VALUES (${places}) RETURNING ${shown}`, [
        tenant,
        ...names.map((name) => parameter(values[name])),
      ]);
      if (row === undefined) throw new Error(`PostgreSQL returned no row for a new ${entity.one}`);
      return row;
    },
    async update(tenant, id, values) {
      const names = Object.keys(values);
      const assignments = names.map((name, index) => `${columnOf(name)} = $${index + 3}`);
      const [row] = await query<Row>(
        `UPDATE ${table} SET ${[...assignments, 'updated_at = now()'].join(', ')} WHERE tenant = $1 AND id = $2 RETURNING ${shown}`,
        [tenant, id, ...names.map((name) => parameter(values[name]))],
      );
      if (row === undefined) throw notFound(id);
      return row;
    },
    async remove(tenant, id) {
      const gone = await query(`DELETE FROM ${table} WHERE tenant = $1 AND id = $2 RETURNING id`, [tenant, id]);
      if (gone.length === 0) throw notFound(id);
    },
    async hidden(tenant, id, field) {
      const [row] = await query<{ value: unknown }>(
        `SELECT ${columnOf(field)} AS value FROM ${table} WHERE tenant = $1 AND id = $2`,
        [tenant, id],
      );
      if (row === undefined) throw notFound(id);
      return row.value;
    },
  };
}

/** pg writes an array as a PostgreSQL array, but our lists are JSON columns. */
function parameter(value: unknown): unknown {
  return Array.isArray(value) ? JSON.stringify(value) : value;
}
