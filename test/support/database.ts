import { randomBytes } from 'node:crypto';
import { inPostgres } from '../../infra/local/src/backing/handshakes.ts';
import { backingServices } from './backing-services.ts';

export interface TestDatabase {
  url: string;
  drop(): Promise<void>;
}

/** An empty database of this test file's own. Dropping it also ends connections that were forgotten. */
export async function createDatabase(): Promise<TestDatabase> {
  const { databaseUrl } = backingServices();
  const name = `test_${randomBytes(6).toString('hex')}`;
  await inPostgres(databaseUrl, (client) => client.query(`CREATE DATABASE ${name}`));
  const url = new URL(databaseUrl);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    async drop() {
      await inPostgres(databaseUrl, (client) => client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
    },
  };
}

/** What a test reads from a database, or changes in it behind the services' backs. */
export interface DatabaseView {
  /** The database's own name. */
  readonly name: string;
  query(sql: string, parameters?: unknown[]): Promise<{ rows: Record<string, unknown>[]; rowCount: number }>;
}

export function databaseAt(url: string): DatabaseView {
  return {
    name: new URL(url).pathname.slice(1),
    async query(sql, parameters = []) {
      const { rows, rowCount } = await inPostgres(url, (client) =>
        client.query<Record<string, unknown>>(sql, parameters),
      );
      return { rows, rowCount: rowCount ?? 0 };
    },
  };
}
