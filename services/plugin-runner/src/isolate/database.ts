import type { PluginDatabase, QueryResult, Row } from '@verifywise/plugin-types';
import type { LiveSettings } from './live-settings.ts';
import type { WireEvent } from './protocol.ts';
import type { RunnerChannel } from './runner-channel.ts';

/** `context.db`: the runner holds the connections; the plugin's code never sees one. */
export function createDatabase(channel: RunnerChannel, settings: LiveSettings): PluginDatabase {
  const query = async <R extends Row>(
    sql: string,
    params: readonly unknown[] = [],
    transaction: number | null = null,
  ) => (await channel.ask('db.query', sql, [...params], transaction)) as QueryResult<R>;
  return {
    query: (sql, params) => query(sql, params),
    transaction: async (work) => {
      const transaction = await channel.ask('db.begin');
      const events: WireEvent[] = [];
      try {
        const result = await work({
          query: (sql, params) => query(sql, params, transaction),
          emit: async (event, payload) => {
            settings.need('events:emit');
            events.push({ event, payload });
            return Promise.resolve();
          },
        });
        await channel.ask('db.commit', transaction, events);
        return result;
      } catch (error) {
        // What went wrong in the work matters more than what goes wrong after it; the runner ends the transaction in any case.
        await channel.ask('db.rollback', transaction).catch(() => undefined);
        throw error;
      }
    },
  };
}
