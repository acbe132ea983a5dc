import { describe, expect, test } from '@jest/globals';
import type { Delivery } from '@verifywise/broker';
import { envelope } from '@verifywise/contracts';
import type { LaneOutcome } from './lane.ts';
import { Lane } from './lane.ts';
import { TrackedDelivery } from './tracked-delivery.ts';

/** A lane whose handler waits until the test lets the event with that id finish. */
function laneUnderTest() {
  const begun: string[] = [];
  const acked: string[] = [];
  const finish = new Map<string, (outcome: LaneOutcome) => void>();
  let sequence = 0;
  const lane = new Lane(({ delivery }) => {
    begun.push(delivery.envelope.id);
    return new Promise((resolve) => finish.set(delivery.envelope.id, resolve));
  });
  const push = (id: string, redelivered = false) => {
    lane.push(new TrackedDelivery(deliveryOf(id, acked, redelivered), sequence++, 1));
  };
  const settle = async (id: string, outcome: LaneOutcome = 'done') => {
    finish.get(id)?.(outcome);
    await Promise.resolve();
    await Promise.resolve();
  };
  return { lane, push, settle, begun, acked };
}

function deliveryOf(id: string, acked: string[], redelivered = false): Delivery {
  return {
    envelope: envelope({ id, type: 'risk.created', tenant: 'acme', payload: {}, source: 'test' }),
    redelivered,
    deliveryCount: 0,
    settled: false,
    ack: () => acked.push(id) > 0,
    reject: () => true,
  };
}

describe('a lane', () => {
  test('delivers nothing before it is opened, then one at a time and in order', async () => {
    const { lane, push, settle, begun, acked } = laneUnderTest();
    push('a');
    push('b');
    expect(begun).toEqual([]);
    lane.resume();
    expect(begun).toEqual(['a']);
    await settle('a');
    expect(begun).toEqual(['a', 'b']);
    await settle('b');
    expect(acked).toEqual(['a', 'b']);
  });

  test('does not acknowledge what was not delivered', async () => {
    const { lane, push, settle, acked } = laneUnderTest();
    lane.resume();
    push('a');
    await settle('a', 'elsewhere');
    expect(acked).toEqual([]);
  });

  test('acknowledges, and does not repeat, what comes again after it was handled', async () => {
    const { lane, push, settle, begun, acked } = laneUnderTest();
    lane.resume();
    push('a');
    await settle('a');
    push('a', true);
    expect(begun).toEqual(['a']);
    expect(acked).toEqual(['a', 'a']);
  });

  test('what comes again while it is being handled is handled once', async () => {
    const { lane, push, settle, begun, acked } = laneUnderTest();
    lane.resume();
    push('a');
    push('a', true);
    await settle('a');
    expect(begun).toEqual(['a']);
    expect(acked).toEqual(['a', 'a']);
  });

  test('pausing waits for what runs and begins nothing more', async () => {
    const { lane, push, settle, begun } = laneUnderTest();
    lane.resume();
    push('a');
    push('b');
    let paused = false;
    const pausing = lane.pause().then(() => (paused = true));
    expect(paused).toBe(false);
    await settle('a');
    await pausing;
    expect(begun).toEqual(['a']);
  });

  test('what is to come later stays the first, and nothing overtakes it', async () => {
    const { lane, push, settle, begun, acked } = laneUnderTest();
    lane.resume();
    push('a');
    push('b');
    const pausing = lane.pause();
    await settle('a', 'later');
    await pausing;
    expect([begun, acked, lane.length]).toEqual([['a'], [], 2]);
    lane.resume();
    await settle('a');
    await settle('b');
    expect([begun, acked]).toEqual([
      ['a', 'a', 'b'],
      ['a', 'b'],
    ]);
  });

  test('goes on behind an event whose handling throws', async () => {
    const begun: string[] = [];
    const lane = new Lane(({ delivery }) => {
      begun.push(delivery.envelope.id);
      return begun.length === 1 ? Promise.reject(new Error('not even recorded')) : Promise.resolve('done');
    });
    const acked: string[] = [];
    for (const id of ['a', 'b']) lane.push(new TrackedDelivery(deliveryOf(id, acked), 0, 1));
    lane.resume();
    await lane.finish();
    expect([begun, acked]).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ]);
  });

  test('finishing until a place delivers up to it and nothing behind it', async () => {
    const { lane, push, settle, begun } = laneUnderTest();
    lane.resume();
    push('a');
    push('b');
    push('c');
    lane.beginNothingBehind(1);
    const finishing = lane.finish();
    await settle('a');
    await settle('b');
    await finishing;
    expect(begun).toEqual(['a', 'b']);
    expect(lane.empty()).toHaveLength(1);
  });
});
