import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually } from '../../../../test/support/eventually.ts';
import { recorder } from '../testing/recorder.ts';
import { RunnerRoom } from '../testing/runner-room.ts';
import type { RunnerProcess } from '../testing/runner-process.ts';

interface Answer {
  data: { because: string[]; plugin: { version: string; waitingEvents: number; condition: string } | null };
  error?: { code: string };
}

describe('why a plugin does what it does', () => {
  let room: RunnerRoom;
  let runners: RunnerProcess[];
  beforeAll(async () => {
    room = await RunnerRoom.open();
    runners = [
      await room.startRunner({ EVENT_PARK_AFTER_MS: '100' }),
      await room.startRunner({ EVENT_PARK_AFTER_MS: '100' }),
    ];
  });
  afterAll(() => room.close());

  const ask = async (runner: RunnerProcess, about: Record<string, string>, role = 'Operator') => {
    const answer = await runner.fetch('platform', `/internal/why?${new URLSearchParams(about).toString()}`, { role });
    return { status: answer.status, body: (await answer.json()) as Answer };
  };
  const because = async (tenant: string) => {
    const answers = await Promise.all(runners.map((runner) => ask(runner, { tenant, plugin: 'recorder' })));
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    return answers.map(({ body }) => body.data);
  };

  test('is the same from every runner, for two tenants with a version each', async () => {
    await room.enabled({ tenant: 'acme', version: '1.0.0', code: recorder() });
    await room.enabled({ tenant: 'globex', version: '2.0.0', code: recorder({ version: '2.0.0' }) });
    for (const [tenant, version] of [
      ['acme', '1.0.0'],
      ['globex', '2.0.0'],
    ] as const) {
      await eventually(async () => {
        const [one, another] = await because(tenant);
        expect(one?.because[0]).toBe(`recorder ${version} of ${tenant} runs.`);
        expect(one?.because[1]).toMatch(/^Its tenant lives on partition \d, held by \S+ \(http:/);
        expect(another?.because).toEqual(one?.because);
      });
    }
  });

  test('names what waits, and tells a handler that fails from one whose service is down', async () => {
    const before = `if (payload.riskId === 1) throw new Error('no'); await fetch('http://127.0.0.1:9/');`;
    await room.enabled({ tenant: 'fails', code: recorder({ before }), granted: ['events:listen', 'http:outbound'] });
    await room.emitRisk('fails', 1);
    await eventually(async () => expect((await because('fails'))[0]?.because[0]).toContain('its handlers fail'));
    const waits = `await new Promise((done) => setTimeout(done, 1_500));`;
    await room.enabled({ tenant: 'waits', code: recorder({ before: waits }) });
    for (const risk of [1, 2, 3]) await room.emitRisk('waits', risk);
    await eventually(async () => {
      const [{ because: sentences } = { because: [] }] = await because('waits');
      expect(sentences.join('\n')).toMatch(
        /Events that it handles or that wait for it: \d, of which \d wait in the database/,
      );
    });
  });

  test('is told to operators only, and of a plugin that nobody has installed too', async () => {
    const [runner] = runners as [RunnerProcess, RunnerProcess];
    expect(await ask(runner, { tenant: 'acme', plugin: 'recorder' }, 'Admin')).toMatchObject({ status: 403 });
    expect(await ask(runner, { tenant: 'acme' })).toMatchObject({ status: 400 });
    const { body } = await ask(runner, { tenant: 'acme', plugin: 'nothing' });
    expect(body.data.because[0]).toBe('acme has not installed nothing.');
    expect(body.data.plugin).toBeNull();
  });

  test('is told while the runner that hosts it has stopped to answer', async () => {
    const [first, second] = runners as [RunnerProcess, RunnerProcess];
    const hostedBy = async (runner: RunnerProcess) => (await runner.isolates()).some(({ tenant }) => tenant === 'acme');
    const [asked, hosts] = (await hostedBy(first)) ? [second, first] : [first, second];
    hosts.child.kill('SIGSTOP');
    try {
      const { status, body } = await ask(asked, { tenant: 'acme', plugin: 'recorder' });
      expect(status).toBe(200);
      expect(body.data.because.join('\n')).toMatch(/no runner answers for it|runs\./);
    } finally {
      hosts.child.kill('SIGCONT');
    }
    await eventually(async () =>
      expect((await ask(asked, { tenant: 'acme', plugin: 'recorder' })).body.data.because[0]).toContain('runs.'),
    );
  });
});
