import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { RunFilters, RunJob, fact } from '@verifywise/contracts';
import '../../../../test/support/patience.ts';
import { eventually } from '../../../../test/support/eventually.ts';
import { heardFailures } from '../testing/heard-failures.ts';
import type { HeardFailure } from '../testing/heard-failures.ts';
import { RunnerRoom } from '../testing/runner-room.ts';
import { secrets } from '../testing/runner-process.ts';
import type { RunnerProcess } from '../testing/runner-process.ts';

const PATIENCE = { deadlineMs: 20_000 };
const SECRET = 'xoxb-very-secret-17';
/** What an error may carry, as the plugin writes it, and how it begins where it is read. */
const TEXTS = [
  ['NUL', `'a\\0b'`, 'a\uFFFDb'],
  ['half a character', `'a\\ud83d'`, 'a\uFFFD'],
  ['ten megabytes', `'x'.repeat(10_000_000)`, 'xxxx'],
  ['a secret', `'token ' + ctx.config.get('token') + ' refused'`, 'token •••••••• refused'],
] as const;
/** A message and a stack are cut to this; with what is said around them. */
const LONGEST = 17_000;

/** Fails with the same text at everything it may fail at. */
const failing = (text: string) => `
let ctx;
const fail = () => { throw new Error(${text}); };
module.exports = {
  onLoad(context) { ctx = context; },
  async onEnable() {
    ctx.on('risk:created', ({ riskId }) => { if (riskId === 1) fail(); if (riskId === 3) setTimeout(fail); });
    ctx.addFilter('risk:before_save', fail);
    ctx.scheduler.schedule('job', fail, { cron: '0 0 * * *' }).catch(() => undefined);
  },
  onDisable() { fail(); },
};`;

describe('what a plugin fails with', () => {
  let room: RunnerRoom;
  let runner: RunnerProcess;
  let failures: HeardFailure[];
  beforeAll(async () => {
    room = await RunnerRoom.open();
    runner = await room.startRunner();
    failures = await heardFailures(room.broker);
  });
  afterAll(() => room.close());

  const failedDeliveries = (tenant: string) =>
    room.rows<{ error: { message: string; stack: string }; payload: { payload: unknown } }>(
      'SELECT error, payload FROM plugin_runner.failed_deliveries WHERE tenant = $1 ORDER BY failed_at',
      [tenant],
    );
  const enabled = (tenant: string, text: string) => {
    const token = secrets.seal(SECRET, { tenant, pluginId: 'recorder', field: 'token' });
    return room.enabled({
      tenant,
      code: failing(text),
      granted: ['events:listen', 'filters:add', 'config:read'],
      manifest: { config: { token: { type: 'string', secret: true } } },
      config: { values: {}, secrets: { token } },
    });
  };

  test.each(TEXTS)('reaches whoever is told, and holds nothing up: %s', async (what, text, begins) => {
    const tenant = `fails-${what.replaceAll(' ', '-').toLowerCase()}`;
    const installation = await enabled(tenant, text);
    const short = (said: { message: string; stack?: string } | undefined) => {
      expect(said?.message).toContain(begins);
      expect(JSON.stringify(said)).not.toContain(SECRET);
      expect(Math.max(said?.message.length ?? 0, said?.stack?.length ?? 0)).toBeLessThan(LONGEST);
    };

    const risk = { risk: { id: 1 } };
    const filtered = await room.broker.ask(RunFilters, { tenant, payload: { filter: 'risk:before_save', data: risk } });
    short(filtered.errors[0]);

    const due = { pluginId: 'recorder', schedule: 'job', fireId: randomUUID(), attempt: 0, data: null };
    const job = { ...due, dueAt: new Date().toISOString(), limitMs: 10_000 };
    const ran = await room.broker.sendAndWait(RunJob, { tenant, payload: job }, PATIENCE);
    expect(ran.outcome).toBe('failed');
    short(ran.error);

    await room.emitRisk(tenant, 1);
    await eventually(async () => expect(await failedDeliveries(tenant)).toHaveLength(1));
    short((await failedDeliveries(tenant))[0]?.error);

    const { outcome } = await room.step(installation, 'onDisable', { state: 'disabled', desired: 'disabled' });
    if (outcome.kind !== 'failed') throw new Error('onDisable should have failed');
    short(outcome.error);

    const crashing = `${tenant}-crash`;
    await enabled(crashing, text);
    await room.emitRisk(crashing, 3);
    await eventually(() => expect(failures.filter((failure) => failure.tenant === crashing)).toHaveLength(1));
    const crash = failures.find((failure) => failure.tenant === crashing);
    expect(crash).toMatchObject({ reason: 'unhandled' });
    short(crash);
    expect(runner.lines.filter((line) => line.includes(SECRET))).toEqual([]);
  });

  test('is kept with its event exactly as that came, whatever is in it', async () => {
    await enabled('odd-event', `'no'`);
    const text = 'a\0b\ud83d';
    const id = randomUUID();
    const payload = { tenant: 'odd-event', eventId: id, riskId: 1, timestamp: new Date().toISOString(), text };
    await room.broker.publish(fact('risk.created'), { id, tenant: 'odd-event', payload });
    await eventually(async () => expect(await failedDeliveries('odd-event')).toHaveLength(1));
    expect((await failedDeliveries('odd-event'))[0]?.payload.payload).toMatchObject({ text });
  });
});
