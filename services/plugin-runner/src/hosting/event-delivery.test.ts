import { expect, test } from '@jest/globals';
import type { Delivery } from '@verifywise/broker';
import { envelope } from '@verifywise/contracts';
import { createLogger } from '@verifywise/service-kit';
import type { EventAnswer, EventCall } from '../isolate/protocol.ts';
import { EventDelivery } from './event-delivery.ts';
import type { FailedDelivery } from './failed-deliveries.ts';
import { FairTurns } from './fair-turns.ts';
import type { HostedPlugin } from './hosted-plugin.ts';
import { LaneEvent } from './lane-event.ts';
import { EventOutcomes } from './plugin-condition.ts';
import { TrackedDelivery } from './tracked-delivery.ts';

const delivery: Delivery = {
  envelope: envelope({ id: 'e-1', type: 'risk.created', tenant: 'acme', payload: { riskId: 1 }, source: 'test' }),
  redelivered: false,
  deliveryCount: 0,
  settled: false,
  ack: () => true,
  reject: () => true,
};

/** Delivers one event to a plugin that answers each call in turn with one of these. */
async function delivered(
  answers: EventAnswer[],
  {
    store = () => Promise.resolve(),
    interrupted = new AbortController().signal,
    disabled = false,
    afterFirst = {},
    turns = new FairTurns({ atOnce: 1, ofOneTenant: 1 }),
  }: {
    store?: () => Promise<void>;
    interrupted?: AbortSignal;
    disabled?: boolean;
    afterFirst?: Partial<Record<keyof HostedPlugin, unknown>>;
    turns?: FairTurns;
  } = {},
) {
  const asked: (number[] | undefined)[] = [];
  const kept: FailedDelivery[] = [];
  let refused = 0;
  const plugin = {
    ...{ tenant: 'acme', pluginId: 'recorder', installation: { version: '1.0.0' }, gone: undefined },
    surface: { events: ['risk:created'] },
    log: () => undefined,
    calls: {
      event: ({ handlers }: Pick<EventCall, 'handlers'>) => {
        asked.push(handlers);
        Object.assign(plugin, afterFirst);
        if (disabled) Object.assign(plugin, { surface: undefined });
        return Promise.resolve(answers[asked.length - 1]);
      },
    },
  } as unknown as HostedPlugin;
  const failures = {
    add: (failed: FailedDelivery) => store().then(() => void kept.push(failed)),
    refused: () => void (refused += 1),
  };
  const keepRetry = ({ retry }: LaneEvent) => {
    if (retry) waited.push(retry.attempts);
  };
  const waited: number[] = [];
  const outcomes = new EventOutcomes();
  const log = createLogger('test', 'silent');
  const events = new EventDelivery(plugin, { failures, keepRetry, turns, outcomes, log });
  const outcome = await events.deliver(LaneEvent.delivered(new TrackedDelivery(delivery, 0, 1)), interrupted);
  return { outcome, asked, messages: kept.map(({ error }) => error.message), refused, waited };
}

test('handlers that are left have their turn before the event is done', async () => {
  const late = { handler: 0, message: 'late' };
  const answers = [
    { errors: [late], left: [1, 2] },
    { errors: [], left: [2] },
    { errors: [], left: [] },
  ];
  expect(await delivered(answers)).toMatchObject({
    outcome: 'done',
    asked: [undefined, [1, 2], [2]],
    messages: ['late'],
  });
});

test('a pause does not wait for handlers that have not begun: they are called later, or kept as failed when there is no later', async () => {
  const interrupted = AbortSignal.abort();
  const late = [{ errors: [{ handler: 0, message: 'late' }], left: [1] }];
  expect(await delivered(late, { interrupted })).toMatchObject({ outcome: 'later', messages: ['late'] });
  expect(await delivered(late, { interrupted, disabled: true })).toMatchObject({
    outcome: 'done',
    asked: [undefined],
    messages: ['late', expect.stringContaining('Handler 2 had not been called')],
  });
});

test('a plugin that says without end that handlers are left is asked no more', async () => {
  const answer = { errors: [], left: [0, 1] };
  expect(await delivered([answer, answer, answer])).toMatchObject({
    outcome: 'done',
    asked: [undefined, [0, 1]],
    messages: ['The plugin calls none of its handlers'],
  });
});

test('whatever fails at delivering an event, it is kept as failed and the lane goes on', async () => {
  const odd = { handler: 0, message: 'no', retry: { attempts: 3, backoff: null } } as never;
  expect(await delivered([{ errors: [odd], left: [] }])).toMatchObject({
    outcome: 'done',
    messages: [expect.stringContaining('null')],
  });
});

test('a failed delivery that the database can never keep is given up and counted', async () => {
  const untranslatable = Object.assign(new Error('unsupported Unicode escape sequence'), { code: '22P05' });
  const failing = [{ errors: [{ handler: 0, message: 'no' }], left: [] }];
  expect(await delivered(failing, { store: () => Promise.reject(untranslatable) })).toMatchObject({
    outcome: 'done',
    messages: [],
    refused: 1,
  });
});

const again = (handler: number) => ({
  ...{ handler, message: 'not yet', retry: { attempts: 3, backoff: { type: 'fixed' as const, delay: 1 } } },
});

test('what failed in one version is given to all handlers of the next: its numbers mean nothing there', async () => {
  const answers = [
    { errors: [again(1)], left: [] },
    { errors: [], left: [] },
  ];
  expect(await delivered(answers)).toMatchObject({ outcome: 'done', asked: [undefined, [1]], waited: [1] });
  const afterFirst = { installation: { version: '2.0.0' } };
  expect(await delivered(answers, { afterFirst })).toMatchObject({ outcome: 'done', asked: [undefined, undefined] });
});

test('what failed, and is not listened to any more when its next attempt has come, is kept as failed', async () => {
  const answers = [{ errors: [again(0)], left: [] }];
  const afterFirst = { surface: { events: [] } };
  expect(await delivered(answers, { afterFirst })).toMatchObject({
    outcome: 'done',
    asked: [undefined],
    messages: ['not yet'],
  });
});

test('what a process that is ending was not given waits for the next', async () => {
  const stop = new AbortController();
  const waits = delivered([{ errors: [again(0)], left: [] }], {
    afterFirst: { ending: true },
    interrupted: stop.signal,
  });
  setTimeout(() => stop.abort(), 50);
  expect(await waits).toMatchObject({ outcome: 'later', asked: [undefined], messages: [] });
});

test('a pause does not wait for the turn of a tenant that has none yet, and nothing is called', async () => {
  const turns = new FairTurns({ atOnce: 1, ofOneTenant: 1 });
  const taken = turns.take('globex', () => true);
  const stop = new AbortController();
  const waits = delivered([], { turns, interrupted: stop.signal });
  stop.abort();
  expect(await waits).toMatchObject({ outcome: 'later', asked: [] });
  taken?.end();
  expect([turns.taken, turns.waiting]).toEqual([0, 0]);
});
