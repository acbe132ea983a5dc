import type { EntityManager } from 'typeorm';
import type { PluginNews } from '../schedules/books.ts';

/**
 * Changes to one plugin's schedules come one after the other, also those that make a new row. The plugin's state is the row that is
 * locked: an advisory lock could be held by whoever may log in to the database, and plugins may.
 */
export async function holdPlugin(manager: EntityManager, tenant: string, pluginId: string): Promise<void> {
  const hold = () =>
    manager.query<unknown[]>('SELECT 1 FROM plugin_states WHERE tenant = $1 AND plugin_id = $2 FOR UPDATE', [
      tenant,
      pluginId,
    ]);
  while ((await hold()).length === 0) {
    // Older than any news: a plugin of which none came yet may run.
    await manager.query(
      `INSERT INTO plugin_states (tenant, plugin_id, enabled, changed_at) VALUES ($1, $2, true, '-infinity') ON CONFLICT DO NOTHING`,
      [tenant, pluginId],
    );
  }
}

export async function isPluginEnabled(manager: EntityManager, tenant: string, pluginId: string): Promise<boolean> {
  const [state] = await manager.query<{ enabled: boolean }[]>(
    'SELECT enabled FROM plugin_states WHERE tenant = $1 AND plugin_id = $2',
    [tenant, pluginId],
  );
  return state?.enabled ?? true;
}

/** Keeps the news of a plugin unless newer ones are known; by their generation, and by their time where that is the same. */
export async function keepNews(
  manager: EntityManager,
  tenant: string,
  pluginId: string,
  { change, generation, at }: PluginNews,
): Promise<boolean> {
  const [rows] = await manager.query<[unknown[], number]>(
    `UPDATE plugin_states SET enabled = $3, generation = $4, changed_at = $5
     WHERE tenant = $1 AND plugin_id = $2 AND (generation, changed_at) <= ($4, $5) RETURNING enabled`,
    [tenant, pluginId, change === 'enabled', generation, at],
  );
  return rows.length > 0;
}
