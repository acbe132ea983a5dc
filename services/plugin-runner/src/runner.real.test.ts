import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createHash, generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { answering, connectBroker, hearing } from '@verifywise/broker';
import type { Broker } from '@verifywise/broker';
import type { Installation, PluginFailure, StepOutcome } from '@verifywise/contracts';
import { ApplyInstallation, FindSurface, ListInstallations, PluginFailed, RunHook, fact } from '@verifywise/contracts';
import { createLogger } from '@verifywise/service-kit';
import { SignJWT } from 'jose';
import { backingServices } from '../../../test/support/backing-services.ts';
import { createDatabase } from '../../../test/support/database.ts';
import type { TestDatabase } from '../../../test/support/database.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { freePort } from '../../../infra/local/src/backing/free-port.ts';
import { zipOf } from './package/fixtures/zip-of.ts';

const log = createLogger('test', 'silent');
const JWT_SECRET = randomBytes(32).toString('hex');
const keys = generateKeyPairSync('ed25519');
const signingKey = keys.privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64');
const trustedKey = keys.publicKey.export({ format: 'der', type: 'spki' }).toString('base64');

/** Records every risk it hears, by event id and version, and shows them on a route. */
const recorder = (version: string, extra = '') => `
module.exports = {
  onEnable(ctx) {
    ctx.on('risk:created', async (payload) => {
      ${extra}
      await ctx.metadata.set('risk', payload.riskId, 'seen', { version: '${version}', at: payload.timestamp instanceof Date });
    });
  },
  routes(router) {
    router.get('/seen', async (req, res) => {
      const entries = await context.metadata.getAllByPlugin();
      res.json({ version: '${version}', tenant: req.tenantId, seen: entries.map((e) => e.entityId).sort((a, b) => a - b) });
    });
    router.get('/throws', () => { throw new Error('secret detail'); });
  },
  onLoad(ctx) { context = ctx; },
};
let context;
`;

describe('a plugin runner', () => {
  let database: TestDatabase;
  let broker: Broker;
  let store: Server;
  let storeUrl: string;
  let scratch: string;
  const packages = new Map<string, Buffer>();
  const truth = new Map<string, Installation>();
  const runners: { child: ChildProcess; url: string }[] = [];

  beforeAll(async () => {
    database = await createDatabase();
    scratch = await mkdtemp(join(tmpdir(), 'vwr-'));
    broker = await connectBroker({ url: backingServices().brokerUrl, source: 'installer', partitions: 4, log });
    await broker.answerQuestions('installer', [
      answering(ListInstallations, () => ({ installations: [...truth.values()] })),
    ]);
    store = createServer((req, res) => {
      const bytes = packages.get(decodeURIComponent(req.url?.split('/').at(-1) ?? ''));
      res.statusCode = bytes ? 200 : 404;
      res.end(bytes);
    });
    await new Promise<void>((resolve) => store.listen(0, '127.0.0.1', resolve));
    storeUrl = `http://127.0.0.1:${(store.address() as { port: number }).port}`;
  });
  beforeEach(() => truth.clear());
  afterEach(async () => {
    await Promise.all(runners.splice(0).map(({ child }) => stop(child, 'SIGTERM')));
  });
  afterAll(async () => {
    await broker.close();
    store.close();
    await database.drop();
    await rm(scratch, { recursive: true, force: true });
  });

  async function startRunner(): Promise<{ child: ChildProcess; url: string }> {
    const port = await freePort();
    const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts')], {
      stdio: ['ignore', 'ignore', process.env.RUNNER_TEST_LOGS ? 'inherit' : 'ignore'],
      env: {
        PATH: process.env.PATH,
        PORT: String(port),
        BROKER_URL: backingServices().brokerUrl,
        DATABASE_URL: database.url,
        PARTITIONS: '4',
        JWT_SECRET,
        SERVICE_SIGNING_KEY: signingKey,
        SERVICE_TRUSTED_KEYS: `plugin-runner:${trustedKey}`,
        PLUGIN_SECRETS_KEY: `k1:${Buffer.alloc(32, 7).toString('base64')}`,
        INSTALLER_URL: storeUrl,
        RUNNER_SCRATCH_FOLDER: scratch,
        ISOLATE_HANG_LIMIT_MS: '1000',
      },
    });
    const runner = { child, url: `http://127.0.0.1:${port}` };
    runners.push(runner);
    await eventually(async () => expect((await fetch(`${runner.url}/readyz`)).status).toBe(200));
    return runner;
  }

  async function install(tenant: string, version: string, code: string, desired: Installation['desired'] = 'disabled') {
    const manifest = { id: 'recorder', name: 'Recorder', version, permissions: ['events:listen'], config: {} };
    const bytes = await zipOf({ 'manifest.json': JSON.stringify(manifest), 'index.js': code });
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    packages.set(digest, bytes);
    const installation = {
      tenant,
      pluginId: 'recorder',
      version,
      package: { digest, size: bytes.length },
      manifest,
      granted: ['events:listen'],
      config: { values: {}, secrets: {} },
      state: desired,
      desired,
      generation: 1,
    } as unknown as Installation;
    truth.set(`${tenant}/recorder`, installation);
    return installation;
  }

  function hook(
    installation: Installation,
    name: 'onInstall' | 'onLoad' | 'onEnable' | 'onDisable' | 'onUnload',
  ): Promise<StepOutcome> {
    return broker.sendAndWait(
      RunHook,
      {
        tenant: installation.tenant,
        payload: {
          stepId: randomUUID(),
          operationId: randomUUID(),
          installation,
          hook: name,
          options: {},
          limitMs: 10_000,
        },
      },
      { deadlineMs: 20_000 },
    );
  }

  async function enable(installation: Installation) {
    for (const name of ['onInstall', 'onLoad', 'onEnable'] as const) {
      expect(await hook(installation, name)).toMatchObject({ kind: 'done' });
    }
    const enabled = { ...installation, state: 'enabled', desired: 'enabled', generation: 2 } as const;
    truth.set(`${installation.tenant}/recorder`, enabled);
    await broker.send(ApplyInstallation, { tenant: installation.tenant, payload: { installation: enabled } });
  }

  async function emitRisk(tenant: string, riskId: number) {
    const id = randomUUID();
    await broker.publish(fact('risk.created'), {
      id,
      tenant,
      payload: { tenant, eventId: id, riskId, timestamp: new Date().toISOString() },
    });
  }

  async function get(url: string, tenant: string, path: string) {
    const token = await new SignJWT({ tenant, role: 'Admin' })
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject('1')
      .setExpirationTime('5m')
      .sign(Buffer.from(JWT_SECRET));
    const answer = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  }

  test('two tenants run two versions of one plugin, each seeing only its own', async () => {
    const { url } = await startRunner();
    const [one, two] = [
      await install('acme', '1.0.0', recorder('1.0.0')),
      await install('globex', '2.0.0', recorder('2.0.0')),
    ];
    await enable(one);
    await enable(two);
    await emitRisk('acme', 1);
    await emitRisk('globex', 2);
    await eventually(async () =>
      expect((await get(url, 'acme', '/api/plugins/recorder/seen')).body).toEqual({
        version: '1.0.0',
        tenant: 'acme',
        seen: [1],
      }),
    );
    await eventually(async () =>
      expect((await get(url, 'globex', '/api/plugins/recorder/seen')).body).toEqual({
        version: '2.0.0',
        tenant: 'globex',
        seen: [2],
      }),
    );
    expect((await get(url, 'globex', '/api/plugins/recorder/_/seen')).status).toBe(200);
  });

  test('an error in a route is 500 without its message, and the plugin goes on', async () => {
    const { url } = await startRunner();
    await enable(await install('routes', '1.0.0', recorder('1.0.0')));
    const failed = await get(url, 'routes', '/api/plugins/recorder/throws');
    expect(failed.status).toBe(500);
    expect(JSON.stringify(failed.body)).not.toContain('secret detail');
    expect((await get(url, 'routes', '/api/plugins/recorder/seen')).status).toBe(200);
    expect((await get(url, 'routes', '/api/plugins/recorder/nothing')).status).toBe(404);
  });

  test('a disabled plugin hears nothing and its routes are gone', async () => {
    const { url } = await startRunner();
    const installation = await install('quiet', '1.0.0', recorder('1.0.0'));
    await enable(installation);
    expect(await broker.ask(FindSurface, { tenant: 'quiet', payload: { pluginId: 'recorder' } })).toMatchObject({
      events: ['risk:created'],
    });
    const disabled = { ...installation, state: 'disabled', desired: 'disabled', generation: 3 } as const;
    truth.set('quiet/recorder', disabled);
    expect(await hook(disabled, 'onDisable')).toMatchObject({ kind: 'done' });
    expect((await get(url, 'quiet', '/api/plugins/recorder/seen')).status).toBe(404);
    await eventually(async () =>
      expect(await broker.ask(FindSurface, { tenant: 'quiet', payload: { pluginId: 'recorder' } })).toBeNull(),
    );
  });

  test('a repeated step is answered from the first time, not run again', async () => {
    await startRunner();
    const counting = `let n = 0; module.exports = { async onLoad(ctx) { await ctx.metadata.set('system', 0, 'loads', { at: Date.now() + ++n }); } };`;
    const installation = await install('repeats', '1.0.0', counting);
    const payload = {
      stepId: randomUUID(),
      operationId: 'o',
      installation,
      hook: 'onLoad' as const,
      options: {},
      limitMs: 5_000,
    };
    const first = await broker.sendAndWait(RunHook, { tenant: 'repeats', payload }, { deadlineMs: 10_000 });
    const again = await broker.sendAndWait(RunHook, { tenant: 'repeats', payload }, { deadlineMs: 10_000 });
    expect(again).toEqual(first);
  });

  test('a hook that throws is a failed step with the stack of the plugin', async () => {
    await startRunner();
    const installation = await install(
      'throws',
      '1.0.0',
      `module.exports = { onInstall() { throw new Error('no table'); } };`,
    );
    const outcome = await hook(installation, 'onInstall');
    expect(outcome).toMatchObject({
      kind: 'failed',
      error: { code: 'HOOK_FAILED', message: expect.stringContaining('no table') },
    });
    expect(JSON.stringify(outcome)).toContain('index.js');
  });

  test('a plugin that loops is ended and reported, and its neighbour goes on', async () => {
    const { url } = await startRunner();
    const failures: PluginFailure[] = [];
    const listening = await broker.subscribe('installer', [
      hearing(PluginFailed, (failure, { tenant }) => {
        if (tenant === 'loops') failures.push(failure);
        return Promise.resolve();
      }),
    ]);
    await enable(await install('loops', '1.0.0', recorder('1.0.0', 'for (;;);')));
    await enable(await install('calm', '1.0.0', recorder('1.0.0')));
    await emitRisk('loops', 1);
    await emitRisk('calm', 5);
    await eventually(async () =>
      expect((await get(url, 'calm', '/api/plugins/recorder/seen')).body).toMatchObject({ seen: [5] }),
    );
    await eventually(async () => expect((await get(url, 'loops', '/api/plugins/recorder/seen')).status).toBe(404));
    await eventually(() =>
      expect(failures).toMatchObject([{ reason: 'hang', pluginId: 'recorder', version: '1.0.0' }]),
    );
    await listening.stop();
  });

  test('after kill -9 another runner takes over; the event in flight and the ones behind it are handled', async () => {
    const first = await startRunner();
    const installation = await install(
      'moves',
      '1.0.0',
      recorder('1.0.0', `await new Promise((r) => setTimeout(r, payload.riskId === 1 ? 300 : 0));`),
    );
    await enable(installation);
    const second = await startRunner();
    await emitRisk('moves', 1);
    await stop(first.child, 'SIGKILL');
    await emitRisk('moves', 2);
    await eventually(async () =>
      expect((await get(second.url, 'moves', '/api/plugins/recorder/seen')).body).toMatchObject({ seen: [1, 2] }),
    );
  });

  test('whichever runner is asked, the tenant is served; a stopped runner hands over without redelivering', async () => {
    const [first, second] = [await startRunner(), await startRunner()];
    const tenants = ['t1', 't2', 't3', 't4', 't5', 't6'];
    for (const tenant of tenants) await enable(await install(tenant, '1.0.0', recorder('1.0.0')));
    for (const tenant of tenants) await emitRisk(tenant, 1);
    for (const { url } of [first, second]) {
      for (const tenant of tenants) {
        await eventually(async () =>
          expect((await get(url, tenant, '/api/plugins/recorder/seen')).body).toMatchObject({ tenant, seen: [1] }),
        );
      }
    }
    await stop(first.child, 'SIGTERM');
    for (const tenant of tenants) await emitRisk(tenant, 2);
    for (const tenant of tenants) {
      await eventually(async () =>
        expect((await get(second.url, tenant, '/api/plugins/recorder/seen')).body).toMatchObject({ seen: [1, 2] }),
      );
    }
  });
});

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await gone;
}
