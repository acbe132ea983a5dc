import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ClaimedFolder } from '../claimed-folder.ts';
import { StartError } from '../start-error.ts';
import { findProgram, onPath } from './find-program.ts';
import { freePort } from './free-port.ts';
import { inPostgres, postgresHandshake } from './handshakes.ts';
import { startPrivateService, withOtherPortsWhenTaken } from './private-service.ts';
import type { ProgramOptions, RunningService } from './running-service.ts';
import { canEnter, unprivilegedUser, type User } from './unprivileged-user.ts';

/** Half a second on an idle machine; after a power cut it first replays its journal. */
const READY_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 20_000;
const INITDB_WITHIN_MS = 60_000;
const DATABASE = 'verifywise';
/** Six processes with pools of their own, and a small pool for every plugin with tables. */
const MAX_CONNECTIONS = 400;

/** Debian keeps its versions side by side and off PATH. */
export function findPostgres(env: NodeJS.ProcessEnv): string | undefined {
  return findProgram([
    '/usr/lib/postgresql/*/bin/postgres',
    ...onPath('postgres', env),
    '/opt/homebrew/opt/postgresql/bin/postgres',
    '/usr/pgsql/bin/postgres',
  ]);
}

export function startPostgres({ folder, persistent, env, revival, signal }: ProgramOptions): Promise<RunningService> {
  const program = findPostgres(env);
  if (program === undefined) throw new StartError('PostgreSQL is not installed');
  const user = unprivilegedUser();
  const home = homeFor(folder, user);
  const data = join(home, 'data');
  const postgresEnv = { PATH: env['PATH'], HOME: home, LANG: 'C.UTF-8', TZ: 'UTC' };
  if (!existsSync(join(data, 'PG_VERSION'))) initialise(join(dirname(program), 'initdb'), data, postgresEnv, user);
  // Durability costs speed, and only data that is kept needs it.
  const durability = persistent
    ? []
    : ['-c', 'fsync=off', '-c', 'synchronous_commit=off', '-c', 'full_page_writes=off'];
  return withOtherPortsWhenTaken(async () => {
    const port = await freePort();
    const url = `postgres://postgres@127.0.0.1:${port}/${DATABASE}`;
    const maintenanceUrl = `postgres://postgres@127.0.0.1:${port}/postgres`;
    const args = ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', home];
    const service = await startPrivateService(
      {
        url,
        commands: [
          {
            name: 'PostgreSQL',
            program,
            args: [...args, '-c', `max_connections=${MAX_CONNECTIONS}`, ...durability],
            env: postgresEnv,
            cwd: home,
            logFile: join(folder.path, 'postgres.log'),
            // It leaves its journal in order when we die; KILL would leave its children and shared memory behind.
            deathSignal: 'INT',
            ...(user === undefined ? {} : { user: { uid: user.uid, gid: user.gid } }),
          },
        ],
        ready: () => postgresHandshake(maintenanceUrl),
        readyWithin: READY_WITHIN_MS,
        stopSignal: 'SIGINT',
        stopWithin: STOP_WITHIN_MS,
        revival,
        signal,
      },
      folder,
    );
    await createDatabaseOnce(maintenanceUrl);
    return service;
  });
}

/** Removes what PostgreSQL keeps outside the folder when the folder cannot be entered by its user. */
export function removeOutsideHome(folder: string): void {
  rmSync(outsideHome(folder), { recursive: true, force: true });
}

function homeFor(folder: ClaimedFolder, user: User | undefined): string {
  const inside = join(folder.path, 'postgres');
  mkdirSync(inside, { recursive: true });
  if (user === undefined) return inside;
  // The folder is ours to open; the ones above it are not.
  chmodSync(folder.path, 0o755);
  const home = canEnter(folder.path, user) && isShort(inside) ? inside : outsideHome(folder.path);
  mkdirSync(home, { recursive: true, mode: 0o700 });
  // Anybody may write to /var/tmp: a link or a folder of somebody else there is not taken for ours.
  const found = lstatSync(home);
  if (!found.isDirectory() || ![0, user.uid].includes(found.uid)) {
    throw new StartError(`${home} belongs to somebody else; remove it`);
  }
  chownSync(home, user.uid, user.gid);
  return home;
}

/** A Unix socket's path must fit into 107 bytes. */
function isShort(home: string): boolean {
  return Buffer.byteLength(join(home, '.s.PGSQL.65535')) < 107;
}

/** A repository below /root cannot be entered by anybody else, so the data gets a place that can. */
function outsideHome(folder: string): string {
  return join('/var/tmp', `verifywise-postgres-${createHash('sha256').update(folder).digest('hex').slice(0, 12)}`);
}

function initialise(initdb: string, data: string, env: NodeJS.ProcessEnv, user: User | undefined): void {
  rmSync(data, { recursive: true, force: true });
  const args = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale', '-N'];
  const { status, stderr, error } = spawnSync(initdb, args, {
    env,
    cwd: dirname(data),
    encoding: 'utf8',
    timeout: INITDB_WITHIN_MS,
    ...(user === undefined ? {} : { uid: user.uid, gid: user.gid }),
  });
  if (status !== 0) {
    throw new StartError(`PostgreSQL's initdb failed: ${error?.message ?? stderr.trim().split('\n').at(-1) ?? ''}`);
  }
}

async function createDatabaseOnce(maintenanceUrl: string): Promise<void> {
  await inPostgres(maintenanceUrl, async (client) => {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [DATABASE]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE}`);
  });
}
