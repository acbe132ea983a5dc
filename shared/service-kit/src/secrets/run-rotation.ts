import { openDatabase, type Database, type DatabaseOptions } from '../database/open-database.ts';
import { messageOf } from '../errors/thrown.ts';
import { createLogger } from '../logs/logger.ts';
import { commonSettings } from '../settings/groups.ts';
import { secretKeys } from '../settings/keys.ts';
import { readSettings } from '../settings/read-settings.ts';
import { rotateSecrets, rotationProblem, type SealedStore } from './rotate-secrets.ts';
import { secretBox, type SecretBox } from './secret-box.ts';

interface Rotation {
  service: string;
  /** The schema and a table that must be there; without it the service has never started, and has no secrets. */
  schema: string;
  table: string;
  entities: DatabaseOptions['entities'];
  store: (database: Database) => SealedStore;
}

/** Beside ten services there is little room for connections. */
const CONNECTIONS = 2;
/** The platform runs, so its database is there. */
const CONNECT_DEADLINE_MS = 10_000;

/**
 * Rotates the secrets of one service as this process, `npm run rotate-secrets` for its part: with `--check` it only looks. Exits 1 when
 * a key is missing, or something is left.
 */
export async function runRotation(rotation: Rotation): Promise<void> {
  try {
    process.exitCode = await rotate(rotation, process.argv.includes('--check'));
  } catch (error) {
    say(`${rotation.service}: ${messageOf(error)}`);
    process.exitCode = 1;
  }
}

async function rotate({ service, schema, table, entities, store }: Rotation, onlyCheck: boolean): Promise<number> {
  const { databaseUrl } = commonSettings;
  const settings = readSettings(process.env, { databaseUrl, keys: secretKeys('PLUGIN_SECRETS_KEY') });
  const box = secretBox(settings.keys);
  const log = createLogger(`${service}-rotation`, 'warn');
  const database = await openDatabase({
    ...{ url: settings.databaseUrl, schema, entities, log, migrations: [], poolSize: CONNECTIONS },
    applicationName: `${schema}_rotation`,
    connectDeadlineMs: CONNECT_DEADLINE_MS,
  });
  try {
    const [found] = await database.source.query<{ found: string | null }[]>('SELECT to_regclass($1) AS found', [
      `${schema}.${table}`,
    ]);
    if (found?.found === null) {
      say(`${service}: nothing here yet`);
      return 0;
    }
    const sealed = store(database);
    return onlyCheck ? await check(box, sealed, service) : await renew(box, sealed, service);
  } finally {
    await database.close();
  }
}

async function check(box: SecretBox, store: SealedStore, service: string): Promise<number> {
  const counts = Object.entries(await store.count()).sort(([one], [other]) => one.localeCompare(other));
  const all = counts.map(([kid, count]) => `${count} with ${kid}`).join(', ');
  say(`${service}: ${store.what}: ${all === '' ? 'no secrets' : all}`);
  const problem = await rotationProblem(box, store);
  if (problem === undefined) return 0;
  say(`${service}: ${problem}`);
  return 1;
}

async function renew(box: SecretBox, store: SealedStore, service: string): Promise<number> {
  const problem = await rotationProblem(box, store);
  if (problem !== undefined) {
    say(`${service}: ${problem}`);
    return 1;
  }
  const { resealed, left, copiesLeft, unreadable } = await rotateSecrets(box, store);
  for (const one of unreadable) say(`${service}: ${one}; give it again, or clear it`);
  say(`${service}: ${store.what}: ${resealed} sealed anew with ${box.kids[0] ?? ''}, ${left} left`);
  if (copiesLeft > 0) {
    say(
      `${service}: ${copiesLeft} copies are still to be replaced, which a running platform does within seconds; run this again`,
    );
  }
  return left + copiesLeft > 0 ? 1 : 0;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
