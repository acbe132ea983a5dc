import { spawn, type ChildProcess } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { partitionOf } from '@verifywise/contracts';
import { freePort } from '../../../infra/local/src/backing/free-port.ts';
import { inPostgres } from '../../../infra/local/src/backing/handshakes.ts';
import { tokenOf } from '../../../services/registry-cache/src/testing/token-of.ts';
import { backingServices } from '../../support/backing-services.ts';
import { createDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import type { BenchPlace } from '../frame/bench.ts';
import type { Target } from '../isolates/keep-alive-client.ts';
import { askOnce } from './ask-once.ts';
import { manyPlugins } from './two-thousand-plugins.ts';

export const PLUGINS = 2_000;
export const TENANTS = 200;
const INSTALLED_EACH = 10;
const PARTITIONS = 8;
/** A busy machine takes long to start a service, and says nothing of it. */
const READY_WITHIN_MS = 180_000;
const QUIET_WITHIN_MS = 180_000;
const JWT_SECRET = randomBytes(32).toString('hex');

/** A registry-cache and an installer as processes of their own, with as many plugins and tenants as the figures are about. */
export interface Marketplace {
  pid: number;
  /** As a user of one of the tenants would ask. */
  target(tenant: number, path: string): Target;
}

export async function startMarketplace({ closers, log }: BenchPlace): Promise<Marketplace> {
  const database = await createDatabase();
  closers.addStep('database', () => database.drop());
  const origin = await serveRegistry(closers);
  const { brokerUrl, redisUrl } = backingServices();
  const shared = {
    ...{ BROKER_URL: brokerUrl, DATABASE_URL: database.url, REDIS_URL: redisUrl },
    ...{
      PARTITIONS: String(PARTITIONS),
      JWT_SECRET,
      PLUGIN_SECRETS_KEY: `k1:${Buffer.alloc(32, 7).toString('base64')}`,
    },
    LOG_LEVEL: 'warn',
  };
  const installer = await startService('installer', { ...shared, ...serviceKeys('installer') }, closers);
  await inPostgres(database.url, (client) => client.query(INSTALL, installedRows()));
  log(`${TENANTS} tenants with ${INSTALLED_EACH} plugins each`);
  const registry = { name: 'bench', url: `${origin}/registry.json`, local: true, allowedHosts: ['127.0.0.1'] };
  const cache = await startService('registry-cache', { ...shared, REGISTRIES: JSON.stringify([registry]) }, closers);
  const tokens = await Promise.all(
    Array.from({ length: TENANTS }, (_, tenant) => tokenOf(JWT_SECRET, tenantName(tenant), 'Admin')),
  );
  const target = (tenant: number, path: string): Target => ({
    port: cache.port,
    path,
    headers: { authorization: `Bearer ${tokens[tenant % TENANTS] ?? ''}` },
  });
  await eventually(
    async () => {
      const { port, headers = {} } = target(0, '');
      const answer = await askOnce(`http://127.0.0.1:${port}/api/marketplace?installed=true`, headers);
      const { data } = (await answer.json()) as { data?: { total: number } };
      if (data?.total !== INSTALLED_EACH) throw new Error('The marketplace does not know what its tenants have');
    },
    { within: READY_WITHIN_MS },
  );
  await quiet(database.url);
  if (installer.pid === undefined || cache.pid === undefined) throw new Error('A service has no process');
  return { pid: cache.pid, target };
}

/** A marketplace that has just started tells every tenant of its updates, once; what comes after that is measured. */
async function quiet(databaseUrl: string): Promise<void> {
  await eventually(
    async () => {
      const { rows } = await inPostgres(databaseUrl, (client) => client.query<{ is_quiet: boolean }>(IS_QUIET));
      if (rows[0]?.is_quiet !== true) throw new Error('Tenants are still being told of their updates');
    },
    { within: QUIET_WITHIN_MS },
  );
}

async function serveRegistry(closers: BenchPlace['closers']): Promise<string> {
  const server = createServer((_req, res) => {
    const plugins = manyPlugins(PLUGINS, origin);
    res.end(JSON.stringify({ version: '1.0.0', generated: '2026-01-01T00:00:00Z', plugins }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.addStep('registry', () => void server.close());
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return origin;
}

async function startService(
  name: string,
  env: Record<string, string>,
  closers: BenchPlace['closers'],
): Promise<{ pid: number | undefined; port: number }> {
  const port = await freePort();
  const main = fileURLToPath(new URL(`../../../services/${name}/src/main.ts`, import.meta.url));
  const child = spawn(process.execPath, [main], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { PATH: process.env['PATH'], NODE_ENV: 'production', PORT: String(port), ...env },
  });
  closers.addStep(name, () => ended(child));
  await eventually(
    async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      if ((await askOnce(`http://127.0.0.1:${port}/readyz`)).status !== 200) throw new Error(`${name} is not ready`);
    },
    { within: READY_WITHIN_MS },
  ).catch((cause: unknown) => {
    throw new Error(`${name} was not ready within ${READY_WITHIN_MS} ms`, { cause });
  });
  const end = child.exitCode ?? child.signalCode;
  if (end !== null) throw new Error(`${name} ended with ${end}; its last words are above`);
  return { pid: child.pid, port };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  await gone;
}

function serviceKeys(service: string): Record<string, string> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return {
    SERVICE_SIGNING_KEY: privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64'),
    SERVICE_TRUSTED_KEYS: `${service}:${publicKey.export({ format: 'der', type: 'spki' }).toString('base64')}`,
  };
}

const IS_QUIET = `SELECT NOT EXISTS (SELECT 1 FROM registry_cache.outbox)
  AND finished_at IS NOT NULL AND leased_until IS NULL AS is_quiet FROM registry_cache.update_sweeps`;

/** Written beside the installer, because installing 2 000 packages is not what is measured. */
const INSTALL = `INSERT INTO installer.installations (tenant, plugin_id, partition, version, package, manifest, granted, state,
    desired, generation, source, verified, running_since, installed_at, updated_at)
  SELECT tenant, plugin_id, partition, '1.0.0', '{}', '{}', '[]', 'enabled', 'enabled', nextval('installer.generations'),
    'registry', false, 0, now(), now()
  FROM unnest($1::text[], $2::text[], $3::int[]) AS wanted (tenant, plugin_id, partition)`;

function installedRows(): [string[], string[], number[]] {
  const ids = manyPlugins(PLUGINS, 'http://127.0.0.1').map(({ id }) => String(id));
  const rows = Array.from({ length: TENANTS * INSTALLED_EACH }, (_, row) => {
    const tenant = Math.floor(row / INSTALLED_EACH);
    // Every tenant has others, so that no two answers are the same.
    const plugin = (tenant * 37 + (row % INSTALLED_EACH) * 101) % ids.length;
    return { tenant: tenantName(tenant), plugin: ids[plugin] ?? '' };
  });
  return [
    rows.map(({ tenant }) => tenant),
    rows.map(({ plugin }) => plugin),
    rows.map(({ tenant }) => partitionOf(tenant, PARTITIONS)),
  ];
}

function tenantName(tenant: number): string {
  return `tenant-${tenant}`;
}
