import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually } from '../../../../test/support/eventually.ts';
import { recorder } from '../testing/recorder.ts';
import { RunnerRoom } from '../testing/runner-room.ts';
import type { RunnerProcess } from '../testing/runner-process.ts';

const DISABLED = { state: 'disabled', desired: 'disabled' } as const;
const PATH = '/api/plugins/recorder/deliveries';
/** Fails until its test mends what it needs. */
const NEEDS_MENDING = `if (!(await ctx.metadata.get('gate', 0, 'mended'))) throw new Error('Risk ' + payload.riskId + ' cannot be taken');`;

interface Answer {
  status: number;
  body: { data: Record<string, unknown>; error: { code: string; message: string } };
}

describe('failed deliveries over HTTP', () => {
  let room: RunnerRoom;
  let runner: RunnerProcess;
  beforeAll(async () => {
    room = await RunnerRoom.open();
    runner = await room.startRunner();
  });
  afterAll(() => room.close());

  const call = async (tenant: string, method: string, path: string, body?: unknown, role?: string): Promise<Answer> => {
    const answer = await runner.fetch(tenant, path, {
      method,
      ...(role === undefined ? {} : { role }),
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    return { status: answer.status, body: (await answer.json()) as Answer['body'] };
  };
  const listed = async (tenant: string, query = '') => {
    const { data } = (await call(tenant, 'GET', `${PATH}${query}`)).body;
    return data.entries as { id: string; fingerprint: string; event: string; version: string }[];
  };
  const seen = async (tenant: string) => (await runner.get(tenant, '/api/plugins/recorder/seen')).body.seen;
  const mend = (tenant: string) =>
    room.rows(
      `INSERT INTO plugin_runner.metadata (tenant, plugin_id, entity_type, entity_id, key, value)
       VALUES ($1, 'recorder', 'gate', 0, 'mended', 'true')`,
      [tenant],
    );
  const failing = async (tenant: string, version: string, risks: number[]) => {
    const installation = await room.enabled({ tenant, version, code: recorder({ version, before: NEEDS_MENDING }) });
    for (const risk of risks) await room.emitRisk(tenant, risk);
    await eventually(async () => expect(await listed(tenant)).toHaveLength(risks.length));
    return installation;
  };

  test('are listed by what went wrong, shown with their event, and each tenant sees its own', async () => {
    await failing('acme', '1.0.0', [1, 2, 3]);
    await failing('globex', '2.0.0', [7]);
    const [newest] = await listed('acme');
    expect(newest).toMatchObject({ event: 'risk:created', version: '1.0.0', handler: 0, attempts: 1 });
    expect((await call('acme', 'GET', `${PATH}/groups`)).body.data.groups).toMatchObject([
      { fingerprint: newest?.fingerprint, count: 3, message: 'Risk 3 cannot be taken' },
    ]);
    const shown = await call('acme', 'GET', `${PATH}/${newest?.id ?? ''}`);
    expect(shown.body.data).toMatchObject({ payload: { riskId: 3 }, error: { message: 'Risk 3 cannot be taken' } });
    expect((await call('globex', 'GET', `${PATH}/${newest?.id ?? ''}`)).status).toBe(404);
    expect(await listed('globex')).toMatchObject([{ version: '2.0.0' }]);
    expect((await call('acme', 'GET', PATH, undefined, 'Editor')).status).toBe(403);
    expect((await call('acme', 'GET', '/api/plugins/unknown/deliveries')).body.error.code).toBe('PLUGIN_NOT_INSTALLED');
    expect((await call('acme', 'GET', `${PATH}?fingerprint=odd`)).status).toBe(400);
  });

  test('are given to the handler again, one or all that are alike, from whichever runner is asked', async () => {
    await failing('again', '1.0.0', [1, 2, 3]);
    const [third] = await listed('again');
    const asked = { fingerprint: third?.fingerprint };
    expect((await call('again', 'POST', `${PATH}/replay`, { ...asked, dryRun: true })).body.data).toEqual({
      wouldReplay: 3,
    });
    await mend('again');
    const one = await call('again', 'POST', `${PATH}/${third?.id ?? ''}/replay`);
    expect([one.status, one.body.data]).toEqual([200, { replayed: 1, waiting: 0, more: false }]);
    await eventually(async () => expect(await seen('again')).toEqual([3]));
    const first = runner;
    runner = await room.startRunner();
    expect((await call('again', 'POST', `${PATH}/replay`, asked)).body.data).toMatchObject({ replayed: 2 });
    await eventually(async () => expect(await seen('again')).toEqual([3, 1, 2]));
    runner = first;
    expect(await listed('again')).toEqual([]);
    expect((await call('again', 'GET', `${PATH}/audit`)).body.data.entries).toMatchObject([
      { action: 'replay', count: 2, actor: { userId: '1', role: 'Admin' }, selection: asked },
      { action: 'replay', count: 1, selection: { ids: [third?.id] } },
    ]);
    expect((await call('again', 'POST', `${PATH}/${third?.id ?? ''}/replay`)).body.error.code).toBe('NOT_FOUND');
  });

  test('that fail again are failed deliveries again', async () => {
    await failing('still', '1.0.0', [1]);
    const [before] = await listed('still');
    expect((await call('still', 'POST', `${PATH}/replay`)).body.data).toMatchObject({ replayed: 1 });
    await eventually(async () => {
      const now = await listed('still');
      expect(now).toMatchObject([{ fingerprint: before?.fingerprint, attempts: 1 }]);
      expect(now[0]?.id).not.toBe(before?.id);
    });
  });

  test('of a plugin that is disabled stay what they are', async () => {
    const installation = await failing('rests', '1.0.0', [1]);
    await room.settle(await room.stepDone(installation, 'onDisable', DISABLED));
    const refused = await call('rests', 'POST', `${PATH}/replay`);
    expect([refused.status, refused.body.error.code]).toEqual([409, 'PLUGIN_DISABLED']);
    expect(refused.body.error.message).toContain('/enable)');
    expect(await listed('rests')).toHaveLength(1);
  });

  test('are discarded, and no others', async () => {
    await failing('sheds', '1.0.0', [1, 2]);
    const [newest] = await listed('sheds');
    expect((await call('sheds', 'POST', `${PATH}/discard`, { dryRun: true })).body.data).toEqual({ wouldDiscard: 2 });
    expect((await call('sheds', 'POST', `${PATH}/discard`, { ids: [newest?.id] })).body.data).toEqual({ discarded: 1 });
    expect(await listed('sheds')).toHaveLength(1);
  });
});
