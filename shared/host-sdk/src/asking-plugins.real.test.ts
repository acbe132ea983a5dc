import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { answering, connectBroker, type Broker } from '@verifywise/broker';
import type { MiddlewareRun, Surface } from '@verifywise/contracts';
import {
  emptySurface,
  ListSurfaces,
  PlatformError,
  RunFilters,
  RunMiddleware,
  SurfaceChanged,
} from '@verifywise/contracts';
import express from 'express';
import { createDatabase, type TestDatabase } from '../../../test/support/database.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { startPrivateBroker, type PrivateBroker } from '../../../test/support/private-broker.ts';
import { CuttableProxy } from '../../broker/src/testing/cuttable-proxy.ts';
import { createPluginHost, type PluginHost } from './plugin-host.ts';
import { rawGet, serve, trustHeaders, type TestApp } from './testing/express-app.ts';

// Waiting has its own deadlines; this one only ends what hangs.
jest.setTimeout(60_000);

const PARTITIONS = 2;
const PATIENT = { deadlineMs: 10_000 };

let rabbit: PrivateBroker;
let database: TestDatabase;
let runner: Broker;
/** For cutting the host off. */
let cable: CuttableProxy;
let host: PluginHost;
let app: TestApp;
let warnings: string[] = [];

/** What the runner answers, and what it was asked. */
let surfaces: Record<string, Surface> = {};
let asked: string[] = [];
let onMiddleware: (run: MiddlewareRun) => unknown = () => undefined;
let onFilter: (data: Record<string, unknown>) => Record<string, unknown> = (data) => data;

const log = {
  debug: quiet,
  info: quiet,
  warn: (about: object, message?: string): void => {
    warnings.push(`${message ?? ''} ${JSON.stringify(about)}`);
  },
  error: quiet,
};

function quiet(): void {
  // Some of these tests take the runner away.
}

const guarding = (failClosed = false): Surface => ({
  ...emptySurface,
  middleware: [{ id: 'm', pattern: '/api/*', position: 'before', failClosed }],
});
const filtering = (name: string): Surface => ({ ...emptySurface, filters: [{ id: 1, name, priority: 10 }] });

beforeAll(async () => {
  [rabbit, database] = await Promise.all([startPrivateBroker(), createDatabase()]);
  runner = await connectBroker({ url: rabbit.url, source: 'plugin-runner', partitions: PARTITIONS, log: silent() });
  await runner.answerQuestions('plugin-runner', [
    answering(ListSurfaces, (_payload, { tenant }) => {
      asked.push(`surfaces of ${tenant ?? ''}`);
      const surface = surfaces[tenant ?? ''];
      return surface === undefined ? [] : [{ pluginId: 'p', version: '1.0.0', surface }];
    }),
  ]);
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    await runner.consumePartition(partition, {
      event: (delivery) => void delivery.ack(),
      work: (delivery) => void delivery.ack(),
      answers: [
        answering(RunMiddleware, (run, { tenant }) => {
          asked.push(`middleware of ${tenant ?? ''}`);
          onMiddleware(run);
          return { kind: 'continue' as const, request: run.request, state: {}, failures: [] };
        }),
        answering(RunFilters, ({ data }, { tenant }) => {
          asked.push(`filters of ${tenant ?? ''}`);
          return { data: onFilter(data), applied: 1, errors: [] };
        }),
      ],
      lost: quiet,
    });
  }
}, 60_000);

beforeEach(async () => {
  [surfaces, asked, warnings] = [{}, [], []];
  onMiddleware = () => undefined;
  onFilter = (data) => data;
  cable = await CuttableProxy.start(rabbit.url);
  host = await createPluginHost({
    ...{ brokerUrl: cable.url, databaseUrl: database.url, partitions: PARTITIONS, log: log as never },
    identity: (req) => (req as unknown as { user: { tenant: string } }).user,
  });
  await eventually(() => expect(host.healthy).toBe(true));
  const made = express();
  made.use(trustHeaders, host.pluginMiddleware(PATIENT));
  made.get('/api/x', (_req, res) => void res.json({ n: 1 }));
  app = await serve(made);
});

afterEach(async () => {
  await app.close();
  await host.close();
  await eventually(() => expect(cable.connections).toBe(0));
  await cable.close();
});

afterAll(async () => {
  await runner.close();
  await database.drop();
  await rabbit.stop();
}, 60_000);

function silent(): typeof log {
  return { ...log, warn: quiet };
}

const get = async (tenant: string): Promise<number | undefined> =>
  (await rawGet(`${app.url}/api/x`, { 'x-tenant': tenant })).status;

test('a tenant without middleware sends nothing: after its first request there is no message for it', async () => {
  for (let n = 0; n < 100; n += 1) expect(await get('acme')).toBe(200);
  expect(await host.applyFilters('acme', 'risk:before_export', { risk: {}, format: 'csv' })).toEqual({
    risk: {},
    format: 'csv',
  });
  expect(asked).toEqual(['surfaces of acme']);
});

test('a tenant whose plugins guard the path is asked about each request, and others are not', async () => {
  surfaces = { acme: guarding() };
  for (const tenant of ['acme', 'globex', 'acme', 'globex']) expect(await get(tenant)).toBe(200);
  expect(asked).toEqual(['surfaces of acme', 'middleware of acme', 'surfaces of globex', 'middleware of acme']);
});

test('a fact says that plugins offer something else, and it counts from the next request on', async () => {
  await Promise.all([get('acme'), get('globex')]);
  surfaces = { acme: guarding(), globex: guarding() };
  await runner.publish(SurfaceChanged, { tenant: 'acme', payload: { pluginId: 'p', generation: 2 } });
  await eventually(async () => {
    await get('acme');
    expect(asked).toContain('middleware of acme');
  });
  // Of the other tenant nothing has been said.
  await get('globex');
  expect(asked).not.toContain('middleware of globex');
});

test('facts that were lost with a connection are made up for as soon as it is back', async () => {
  await get('acme');
  cable.cut();
  surfaces = { acme: guarding() };
  await eventually(async () => {
    await get('acme');
    expect(asked).toContain('middleware of acme');
  });
});

test('a tenant whose runner does not answer is soon not waited for any more, and others are', async () => {
  surfaces = { acme: guarding(), globex: guarding() };
  onMiddleware = ({ request }) => {
    if (request.headers['x-tenant'] === 'acme') throw new PlatformError('UNAVAILABLE', 'The runner is starting');
  };
  for (let n = 0; n < 10; n += 1) expect(await get('acme')).toBe(200);
  expect(asked.filter((what) => what === 'middleware of acme')).toHaveLength(5);
  expect(warnings.join()).toContain('not asked for now');
  await get('globex');
  expect(asked).toContain('middleware of globex');
});

test('without RabbitMQ requests go on at once, or are refused where a plugin fails closed', async () => {
  surfaces = { acme: guarding(), globex: guarding(true) };
  await Promise.all([get('acme'), get('globex')]);
  await cable.close();
  await eventually(() => expect(host.healthy).toBe(false));
  expect([await get('acme'), await get('globex'), await get('initech')]).toEqual([200, 503, 200]);
});

test('the answer of a filter keeps what plugins did not touch as it was', async () => {
  surfaces = { acme: filtering('risk:before_save') };
  onFilter = (data) => ({ ...data, risk: { ...(data['risk'] as object), title: 'Changed' } });
  const since = new Date('2026-01-02T03:04:05Z');
  const data = { risk: { title: 'Given', since, notes: undefined }, projectId: 1, userId: 7, isNew: true };
  const filtered = await host.applyFilters('acme', 'risk:before_save', data, PATIENT);
  expect(filtered).toEqual({ ...data, risk: { title: 'Changed', since } });
  expect(filtered.risk.since).toBe(since);
  // A filter that no plugin of the tenant has is not asked for.
  await host.applyFilters('acme', 'risk:after_load', { risk: {}, includeMetadata: false });
  expect(asked).toEqual(['surfaces of acme', 'filters of acme']);
});

test('a filter that cannot be applied leaves the data as it is and says so', async () => {
  surfaces = { acme: filtering('host:thing') };
  onFilter = () => {
    throw new PlatformError('UNAVAILABLE', 'The runner is starting');
  };
  const data = { text: 'as it was' };
  expect(await host.applyFilters('acme', 'host:thing', data, PATIENT)).toBe(data);
  expect(warnings.join()).toMatch(/A filter was not applied.*"filter":"host:thing"/);

  warnings = [];
  const large = { text: 'x'.repeat(5 * 1024 * 1024) };
  expect(await host.applyFilters('acme', 'host:thing', large, PATIENT)).toBe(large);
  expect(warnings).toHaveLength(1);
  await expect(host.applyFilters('acme', 'host:thing', [] as never)).rejects.toMatchObject({ code: 'FILTER_INVALID' });
});
