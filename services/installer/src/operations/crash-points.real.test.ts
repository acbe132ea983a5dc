import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import type { LifecycleHook } from '@verifywise/contracts';
import { createLogger, createOutbox, openDatabase, secretBox, type Database } from '@verifywise/service-kit';
import { createDatabase, type TestDatabase } from '../../../../test/support/database.ts';
import '../../../../test/support/patience.ts';
import { createSealGiven } from '../config/given-config.ts';
import { HookError } from '../installation/errors.ts';
import type { HookCall, PluginRunner } from '../installation/hands.ts';
import { createSagas } from '../installation/sagas.ts';
import { StoredIntake } from '../package/package-intake.ts';
import { contractLimits } from '../package/package-limits.ts';
import { DownloadLeases } from '../store/download-leases.ts';
import { InstallationStore } from '../store/installation-store.ts';
import { migrations } from '../store/migrations.ts';
import { PackageStore } from '../store/package-store.ts';
import { StoredOperations } from '../store/stored-operations.ts';
import { ConfigTable, InstallationTable, PackageTable } from '../store/tables.ts';
import { createTransactions } from '../store/transactions.ts';
import { pluginArchive } from '../testing/plugin-archive.ts';
import { SCRATCH } from '../testing/taken-in.ts';
import type { OperationInput } from '../installation/progress.ts';
import { LeaseLostError } from './lease-lost.ts';
import type { OperationStore } from './operation-store.ts';
import type { Operation, OperationKind } from './operation.ts';
import { Operations } from './operations.ts';

const PLUGIN = 'survivor';
const LEASE_MS = 600;
/** Only waited for when something is wrong. */
const PATIENCE_MS = 60_000;
jest.setTimeout(300_000);
/** How many points in an operation are tried side by side. */
const AT_ONCE = 6;
const log = createLogger('crash-test', 'silent');
const actor = { userId: '1', role: 'Admin' };

const settings = { region: { type: 'string' }, token: { type: 'string', secret: true } };
const given = { region: 'eu', token: 'secret' };
const secrets = secretBox([{ kid: 'k1', key: Buffer.alloc(32, 7) }]);
const sealGiven = createSealGiven(secrets);

let testDatabase: TestDatabase;
let database: Database;
let uploads: string[];

beforeAll(async () => {
  testDatabase = await createDatabase();
  database = await openDatabase({
    ...{ url: testDatabase.url, schema: 'installer', migrations, log },
    entities: [InstallationTable, ConfigTable, PackageTable],
  });
  const intake = newIntake();
  const archives = ['1.0.0', '2.0.0'].map((version) => pluginArchive({ id: PLUGIN, version, config: settings }));
  const taken = archives.map(({ bytes }) =>
    intake.receive(async (into) => {
      await into.append(bytes);
      return intake.upload(into, undefined);
    }),
  );
  uploads = (await Promise.all(taken)).map(({ digest }) => digest);
});
afterAll(async () => {
  await database.close();
  await testDatabase.drop();
});

function newIntake() {
  return new StoredIntake({
    packages: new PackageStore(database.source),
    leases: new DownloadLeases(database.source, LEASE_MS),
    findToken: () => Promise.resolve(null),
    settings: { limits: contractLimits, downloadDeadlineMs: 1_000, scratchFolder: SCRATCH },
  });
}

/** A runner that remembers steps as the real one does: whatever is sent twice happens once. */
class RememberingRunner implements PluginRunner {
  readonly #happened = new Map<string, string[]>();
  readonly #outcomes = new Map<string, unknown>();
  readonly #fails: LifecycleHook | undefined;

  constructor(fails?: LifecycleHook) {
    this.#fails = fails;
  }

  runHook({ stepId, hook, installation }: HookCall): Promise<void> {
    if (!this.#outcomes.has(stepId)) {
      this.#note(installation.tenant, `${hook} ${installation.version}`);
      const fails = hook === this.#fails && !stepId.endsWith(':undo');
      this.#outcomes.set(stepId, fails ? new HookError({ code: 'HOOK_FAILED', message: 'broken' }) : undefined);
    }
    const outcome = this.#outcomes.get(stepId);
    return outcome instanceof Error ? Promise.reject(outcome) : Promise.resolve();
  }

  deleteData(tenant: string, { stepId }: { stepId: string }): Promise<'done'> {
    if (!this.#outcomes.has(stepId)) this.#note(tenant, 'delete-data');
    this.#outcomes.set(stepId, undefined);
    return Promise.resolve('done');
  }

  forget(): Promise<void> {
    return Promise.resolve();
  }

  happenedTo(tenant: string): string[] {
    return this.#happened.get(tenant) ?? [];
  }

  #note(tenant: string, what: string): void {
    this.#happened.set(tenant, [...this.happenedTo(tenant), what]);
  }
}

/** Before or after one write the process is gone; or only that write finds no database, and the process goes on. */
type Trouble = 'before' | 'after' | 'away';

/** Takes the process of whoever uses it away: from one write on, nothing of it reaches the database any more. */
class DyingStore {
  #writesLeft: number;
  readonly #when: Trouble;
  died = false;
  readonly store: OperationStore;

  constructor(inner: StoredOperations, writesLeft: number, when: Trouble) {
    this.#writesLeft = writesLeft;
    this.#when = when;
    this.store = new Proxy<OperationStore>(inner, {
      get: (target, name) => {
        const method: unknown = Reflect.get(target, name);
        if (typeof method !== 'function') return method;
        return (...given: unknown[]) =>
          this.#use(String(name), () => Reflect.apply(method, target, given) as Promise<unknown>);
      },
    });
  }

  async #use(name: string, call: () => Promise<unknown>): Promise<unknown> {
    const isWrite = ['beginStep', 'completeStep', 'failStep', 'failUndo', 'finish'].includes(name);
    if (this.died && this.#when !== 'away') throw new LeaseLostError('of a dead process');
    if (!isWrite || this.died) return await call();
    this.#writesLeft -= 1;
    if (this.#writesLeft > 0) return await call();
    this.died = true;
    if (this.#when === 'away') throw new Error('timeout exceeded when trying to connect');
    if (this.#when === 'after') await call();
    throw new LeaseLostError('of a dead process');
  }
}

interface Scene {
  tenant: string;
  runner: RememberingRunner;
}

function installer(
  runner: PluginRunner,
  dying?: { writes: number; when: Trouble },
  { goesOnForOthers = dying === undefined, leaseMs = LEASE_MS } = {},
) {
  const transactions = createTransactions(createOutbox(database), 64, () => undefined);
  const stored = new StoredOperations(database.source, transactions);
  const death = dying && new DyingStore(stored, dying.writes, dying.when);
  const installations = new InstallationStore(database.source);
  const sagas = createSagas({
    ...{
      installations,
      packages: new PackageStore(database.source),
      intake: newIntake(),
      runner,
      secrets,
      hostVersion: '1.7.0',
    },
    registry: { find: () => Promise.resolve(null), versions: () => Promise.resolve([]) },
    transact: (work) => transactions.run(work),
    runChild: () => Promise.reject(new Error('there are no dependencies here')),
    findChild: () => Promise.resolve(null),
    limits: { hookMs: 1_000, installMs: 1_000 },
  });
  const times = { leaseMs, sweepMs: goesOnForOthers ? 50 : 3_600_000, keptDays: 90 };
  return {
    operations: new Operations({ store: death?.store ?? stored, sagas: () => sagas, times, log }),
    death,
    installations,
  };
}

/** What the tenant has, what the runner did, which facts left and what the audit log tells, in words that can be compared. */
async function stand({ tenant, runner }: Scene) {
  const record = await new InstallationStore(database.source).find(tenant, PLUGIN);
  const rows = await database.source.query<{ fact: string }[]>(
    `SELECT fact FROM outbox WHERE tenant = $1 AND fact LIKE 'plugin.%' ORDER BY id`,
    [tenant],
  );
  const audit = await database.source.query<{ line: string }[]>(
    `SELECT action || ' ' || outcome AS line FROM audit WHERE tenant = $1 ORDER BY id`,
    [tenant],
  );
  const config = await new InstallationStore(database.source).findConfig(tenant, PLUGIN);
  const { version, state, desired, previous, target } = record ?? {};
  const set = { ...config?.values, secrets: Object.keys(config?.secrets ?? {}) };
  const has = record === null ? 'nothing' : { version, state, desired, previous: previous?.version, target, set };
  return {
    has,
    hooks: runner.happenedTo(tenant),
    facts: rows.map(({ fact }) => fact),
    audit: audit.map(({ line }) => line),
  };
}

type Asked = OperationInput & { config?: typeof given };

/** As the door seals what came with a request. */
function inputOf(tenant: string, { config, ...input }: Asked): OperationInput {
  return config === undefined ? input : { ...input, sealedConfig: sealGiven(tenant, PLUGIN, config) };
}

async function perform(operations: Operations, tenant: string, kind: OperationKind, asked: Asked): Promise<Operation> {
  const { id } = await operations.start({ tenant, pluginId: PLUGIN, kind, input: inputOf(tenant, asked), actor });
  return await operations.wait(tenant, id, PATIENCE_MS);
}

type Story = [name: string, before: [OperationKind, Asked][], kind: OperationKind, asked: Asked, fails?: LifecycleHook];

const install = (): OperationInput => ({ uploaded: uploads[0] ?? '' });
const update = (): Asked => ({ uploaded: uploads[1] ?? '', config: given });
const stories = (): Story[] => [
  ['install', [], 'install', install()],
  ['an install that fails', [], 'install', install(), 'onLoad'],
  ['enable', [['install', install()]], 'enable', {}],
  ['an enable that fails', [['install', install()]], 'enable', {}, 'onEnable'],
  [
    'disable',
    [
      ['install', install()],
      ['enable', {}],
    ],
    'disable',
    {},
  ],
  [
    'update',
    [
      ['install', install()],
      ['enable', {}],
    ],
    'update',
    update(),
  ],
  ['an update that fails', [['install', install()]], 'update', update(), 'onInstall'],
  [
    'rollback',
    [
      ['install', install()],
      ['update', update()],
    ],
    'rollback',
    { config: { region: 'us', token: 'another' } },
  ],
  [
    'uninstall',
    [
      ['install', install()],
      ['enable', {}],
    ],
    'uninstall',
    { deleteData: true },
  ],
];

test.each([
  'install',
  'an install that fails',
  'enable',
  'an enable that fails',
  'disable',
  'update',
  'an update that fails',
  'rollback',
  'uninstall',
])(
  'an installer killed before or after any write of %s, or without a database at it, comes to the same end by itself or another',
  async (name) => {
    const story = stories().find(([known]) => known === name);
    if (story === undefined) throw new Error(`There is no story ${name}`);
    const runner = new RememberingRunner(story[4]);
    // It takes over from all the dead ones.
    const survivor = installer(runner);
    const undisturbed = await play(story, survivor, { tenant: `calm-${slug(name)}`, runner });
    let deaths = 0;
    for (let first = 1; ; first += AT_ONCE) {
      const points = Array.from({ length: AT_ONCE }, (_, index) => first + index);
      const plays = points.flatMap((writes) =>
        (['before', 'after', 'away'] as const).map((when) =>
          play(story, survivor, { tenant: `${slug(name)}-${writes}-${when}`, runner }, { writes, when }),
        ),
      );
      const ended = await Promise.all(plays);
      for (const one of ended) expect({ ...one, died: false }).toEqual(undisturbed);
      deaths += ended.filter(({ died }) => died).length;
      if (ended.some(({ died }) => !died)) break;
    }
    expect(deaths).toBeGreaterThan(6);
    await survivor.operations.close();
  },
);

function slug(name: string): string {
  return name.replaceAll(' ', '-');
}

async function play(
  [, before, kind, asked]: Story,
  survivor: ReturnType<typeof installer>,
  scene: Scene,
  dying?: { writes: number; when: Trouble },
) {
  const { tenant, runner } = scene;
  // Nobody takes anything of it over, and it goes on with nothing of the dead: its runner is not theirs.
  const preparing = installer(new RememberingRunner(), undefined, { goesOnForOthers: false, leaseMs: 600_000 });
  for (const [earlier, wanted] of before) {
    expect(await perform(preparing.operations, tenant, earlier, wanted)).toMatchObject({ status: 'succeeded' });
  }
  await preparing.operations.close();

  const first = dying === undefined ? survivor : installer(runner, dying);
  const input = inputOf(tenant, asked);
  const { id } = await first.operations.start({ tenant, pluginId: PLUGIN, kind, input, actor });
  const ended = await survivor.operations.wait(tenant, id, PATIENCE_MS);
  if (first !== survivor) await first.operations.close();
  return { status: ended.status, error: ended.error?.code, died: first.death?.died ?? false, ...(await stand(scene)) };
}
