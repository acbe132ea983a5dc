import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import '../../../../test/support/patience.ts';
import { eventually } from '../../../../test/support/eventually.ts';
import { RunnerRoom } from '../testing/runner-room.ts';
import type { RunnerProcess } from '../testing/runner-process.ts';

/** The first two of three handlers never finish with risk 13; the third says when it begins and when it is done. */
const CODE = `
const heard = [];
const hangs = ({ riskId }) => (riskId === 13 ? new Promise(() => undefined) : undefined);
module.exports = {
  onEnable(ctx) {
    ctx.on('risk:created', async function sends(payload) { await hangs(payload); });
    ctx.on('risk:created', async (payload) => { await hangs(payload); }, { retry: { attempts: 5, backoff: { type: 'fixed', delay: 1 } } });
    ctx.on('risk:created', async ({ riskId }) => {
      heard.push('begin ' + riskId);
      await new Promise((resolve) => setImmediate(resolve));
      heard.push('end ' + riskId);
    });
  },
  routes(router) { router.get('/heard', (req, res) => res.json({ heard })); },
};`;

describe('handlers of one event', () => {
  let room: RunnerRoom;
  let runner: RunnerProcess;
  beforeAll(async () => {
    room = await RunnerRoom.open();
    runner = await room.startRunner({ HANDLER_LIMIT_MS: '1000' });
  });
  afterAll(() => room.close());

  test('that are late are named and kept as failed; the others are called, and the next event comes after them all', async () => {
    await room.enabled({ tenant: 'late', code: CODE });
    const guilty = await room.emitRisk('late', 13);
    for (const risk of [14, 15]) await room.emitRisk('late', risk);
    const inOrder = [13, 14, 15].flatMap((risk) => [`begin ${risk}`, `end ${risk}`]);
    await eventually(async () =>
      expect((await runner.get('late', '/api/plugins/recorder/heard')).body.heard).toEqual(inOrder),
    );
    const sql = `SELECT event_id, error->>'message' AS message FROM plugin_runner.failed_deliveries
                  WHERE tenant = 'late' ORDER BY failed_at`;
    expect(await room.rows(sql)).toEqual([
      { event_id: guilty, message: 'Handler 1 (sends) did not finish within 1 s' },
      { event_id: guilty, message: 'Handler 2 did not finish within 1 s' },
    ]);
  });
});
