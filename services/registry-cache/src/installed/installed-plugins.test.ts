import { afterEach, expect, jest, test } from '@jest/globals';
import type { TenantPlugins } from '@verifywise/contracts';
import { installedPlugins, type AskInstaller } from './installed-plugins.ts';

/** An installer that answers when the test says so, and a clock that stands still. */
function room() {
  const questions: {
    tenants: { tenant: string; revision?: string }[];
    answer: PromiseWithResolvers<TenantPlugins[]>;
  }[] = [];
  const clock = { now: 10_000 };
  const ask: AskInstaller = (tenants) => {
    const answer = Promise.withResolvers<TenantPlugins[]>();
    questions.push({ tenants, answer });
    return answer.promise;
  };
  const asked = async (count: number) => {
    while (questions.length < count) await new Promise((resolve) => setImmediate(resolve));
    const question = questions[count - 1];
    if (question === undefined) throw new Error('never asked');
    return question;
  };
  return { installed: installedPlugins(ask, () => clock.now), questions, clock, asked };
}

afterEach(() => {
  jest.useRealTimers();
});

const someTurns = async () => {
  for (let turns = 0; turns < 5; turns += 1) await new Promise((resolve) => setImmediate(resolve));
};

function having(tenant: string, revision: string, version = '1.0.0'): TenantPlugins {
  const plugin = { pluginId: 'notes', version, state: 'enabled', enabled: true, generation: 1 } as const;
  return { tenant, revision, plugins: [plugin] };
}

test('tenants that are due at once are one question, and whose revision is the same keeps what is known', async () => {
  const { installed, asked, clock } = room();
  const both = Promise.all([installed.of('acme'), installed.of('globex'), installed.of('acme')]);
  const first = await asked(1);
  expect(first.tenants).toEqual([{ tenant: 'acme' }, { tenant: 'globex' }]);
  first.answer.resolve([having('acme', 'a1'), having('globex', 'g1')]);
  const [acme] = await both;
  expect(acme).toMatchObject({ revision: 'a1', current: true });

  clock.now += 900;
  const again = installed.of('acme');
  const second = await asked(2);
  expect(second.tenants).toEqual([{ tenant: 'acme', revision: 'a1' }]);
  second.answer.resolve([]);
  expect((await again).plugins).toBe(acme.plugins);
});

test('who asks often does not wait: what gets old is asked for again meanwhile', async () => {
  const { installed, asked, clock, questions } = room();
  const first = installed.of('acme');
  (await asked(1)).answer.resolve([having('acme', 'a1')]);
  await first;
  clock.now += 300;
  await installed.of('acme');
  expect(questions).toHaveLength(1);
  clock.now += 300;
  expect(await installed.of('acme')).toMatchObject({ revision: 'a1', current: true });
  (await asked(2)).answer.resolve([having('acme', 'a2', '2.0.0')]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(await installed.of('acme')).toMatchObject({ revision: 'a2' });
});

test('what nobody waits for is asked together, or with the next question that somebody waits for', async () => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'performance', 'Date'] });
  const { installed, asked, clock, questions } = room();
  const both = Promise.all([installed.of('acme'), installed.of('globex')]);
  (await asked(1)).answer.resolve([having('acme', 'a1'), having('globex', 'g1')]);
  await both;
  clock.now += 500;
  for (const tenant of ['acme', 'globex']) {
    await installed.of(tenant);
    await someTurns();
  }
  expect(questions).toHaveLength(1);
  jest.runOnlyPendingTimers();
  const together = await asked(2);
  expect(together.tenants).toEqual([
    { tenant: 'acme', revision: 'a1' },
    { tenant: 'globex', revision: 'g1' },
  ]);
  together.answer.resolve([]);
  await someTurns();

  clock.now += 500;
  await installed.of('acme');
  const stranger = installed.of('stranger');
  const third = await asked(3);
  expect(third.tenants.map(({ tenant }) => tenant)).toEqual(['acme', 'stranger']);
  third.answer.resolve([having('stranger', 's1')]);
  expect(await stranger).toMatchObject({ revision: 's1' });
});

test('after word of a change, an answer to what was asked before it is not enough', async () => {
  const { installed, asked, clock } = room();
  const first = installed.of('acme');
  const old = await asked(1);
  clock.now += 10;
  installed.changed('acme');
  clock.now += 10;
  const waiting = installed.of('acme');
  old.answer.resolve([having('acme', 'a1')]);
  (await asked(2)).answer.resolve([having('acme', 'a2', '2.0.0')]);
  expect(await waiting).toMatchObject({ revision: 'a2', current: true });
  await first;
});

test('while the installer does not answer, what was known last is shown as such, and of strangers its error is said', async () => {
  const { installed, asked, clock } = room();
  const first = installed.of('acme');
  (await asked(1)).answer.resolve([having('acme', 'a1')]);
  await first;
  clock.now += 5_000;
  const late = installed.of('acme');
  (await asked(2)).answer.reject(new Error('nobody there'));
  expect(await late).toMatchObject({ revision: 'a1', current: false });
  await expect(installed.of('stranger')).rejects.toThrow('nobody there');

  clock.now += 2_000;
  const back = installed.of('acme');
  const answers = await asked(3);
  answers.answer.resolve([having('acme', 'a2'), having('stranger', 's1')]);
  await back;
  expect(await installed.of('acme')).toMatchObject({ revision: 'a2', current: true });
});
