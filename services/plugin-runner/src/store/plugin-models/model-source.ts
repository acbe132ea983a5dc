import { DataSource } from 'typeorm';
import type { QueryRunner } from 'typeorm';
import type { PluginConnection } from '../plugin-database/plugin-connections.ts';
import { tableOf } from './model-table.ts';
import type { ModelSet } from './model.ts';

type Acquire = () => Promise<PluginConnection>;
type Connected = (error: unknown, client?: object, release?: (error?: unknown) => void) => void;

/** TypeORM over the plugin's own sessions: it makes the statements, they run where the plugin's limits and role hold. */
export class ModelSource {
  readonly #source: DataSource;

  private constructor(source: DataSource) {
    this.#source = source;
  }

  static async open(models: ModelSet, acquire: Acquire): Promise<ModelSource> {
    const source = new DataSource({
      type: 'postgres',
      driver: pgOf(acquire),
      nativeDriver: {},
      entities: models.models.map(tableOf),
      installExtensions: false,
      logging: false,
    });
    await source.initialize();
    return new ModelSource(source);
  }

  /** One session for everything `work` does. */
  async use<Answer>(work: (runner: QueryRunner) => Promise<Answer>): Promise<Answer> {
    const runner = this.#source.createQueryRunner();
    try {
      return await work(runner);
    } finally {
      await runner.release();
    }
  }

  /** All or nothing. */
  transaction<Answer>(work: (runner: QueryRunner) => Promise<Answer>): Promise<Answer> {
    return this.use(async (runner) => {
      await runner.startTransaction();
      try {
        const answer = await work(runner);
        await runner.commitTransaction();
        return answer;
      } catch (error) {
        // The first error says what happened; a session that cannot even roll back is not used again.
        await runner.rollbackTransaction().catch(() => undefined);
        throw error;
      }
    });
  }
}

/** What TypeORM needs of the pg package, with our sessions behind it. */
function pgOf(acquire: Acquire) {
  class Pool {
    on(): this {
      return this;
    }

    connect(connected: Connected): void {
      acquire().then(
        (connection) => {
          let failure: unknown;
          const query = async (text: string, params?: unknown[]) => {
            try {
              return await connection.client.query(text, params);
            } catch (error) {
              failure = error;
              throw error;
            }
          };
          const client = { query, on: () => client, removeListener: () => client };
          connected(undefined, client, (error) => connection.release(error ?? failure));
        },
        (error: unknown) => connected(error),
      );
    }

    end(ended: () => void): void {
      ended();
    }
  }
  return { Pool };
}
