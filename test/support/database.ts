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
