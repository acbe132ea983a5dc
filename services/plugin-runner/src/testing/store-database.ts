import { createLogger, openDatabase } from '@verifywise/service-kit';
import type { DataSource } from 'typeorm';
import { createDatabase } from '../../../../test/support/database.ts';

type Migrations = Parameters<typeof openDatabase>[0]['migrations'];

/** The runners' schema in a database of a test's own, as these of its migrations leave it. */
export class StoreDatabase {
  readonly source: DataSource;
  readonly #close: () => Promise<void>;

  private constructor(source: DataSource, close: () => Promise<void>) {
    this.source = source;
    this.#close = close;
  }

  static async open(migrations: Migrations): Promise<StoreDatabase> {
    const own = await createDatabase();
    const log = createLogger('test', 'silent');
    const database = await openDatabase({ url: own.url, schema: 'plugin_runner', entities: [], migrations, log });
    return new StoreDatabase(database.source, async () => {
      await database.close();
      await own.drop();
    });
  }

  close(): Promise<void> {
    return this.#close();
  }
}
