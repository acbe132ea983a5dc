import { describe, expect, test } from '@jest/globals';
import type { Delivery } from '@verifywise/broker';
import { envelope } from '@verifywise/contracts';
import { ParkedInMemory } from '../testing/parked-in-memory.ts';
import type { LaneEvent } from './lane-event.ts';
import type { SubjectOf } from './lane-line.ts';
import type { LaneHandler, LaneOutcome } from './lane.ts';
import { Lane } from './lane.ts';
import { TrackedDelivery } from './tracked-delivery.ts';

/** Everything that only waits for promises has happened. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** A lane whose handler waits until the test lets the event with that id finish. */
function laneUnderTest(parked = new ParkedInMemory(), subjectOf: SubjectOf = () => undefined) {
  const begun: string[] = [];
  const acked: string[] = [];
  const finish = new Map<string, (outcome: LaneOutcome) => void>();
  const running = new Map<string, LaneEvent>();
  let sequence = 0;
  const handle: LaneHandler = (event, interrupted) => {
    const { id } = event.envelope;
    begun.push(id);
    running.set(id, event);
    return new Promise((resolve) => {
      finish.set(id, resolve);
      if (event.retry) interrupted.addEventListener('abort', () => resolve('later'));
    });
  };
  const lane = new Lane({ handle, subjectOf }, parked as never);
  const push = (...ids: string[]) => {
    for (const id of ids) lane.push(new TrackedDelivery(deliveryOf(id, acked), sequence++, 1));
  };
  const pushAgain = (id: string) => lane.push(new TrackedDelivery(deliveryOf(id, acked, true), sequence++, 1));
  const settle = async (id: string, outcome: LaneOutcome = 'done') => {
    finish.get(id)?.(outcome);
    await settled();
  };
  const finishAll = async () => {
    for (let at = 0; at < begun.length; at += 1) await settle(begun[at] as string);
  };
  return { lane, push, pushAgain, settle, finishAll, begun, acked, parked, running };
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

const numbered = (count: number, from = 0) =>
  Array.from({ length: count }, (_nothing, at) => `e-${String(from + at).padStart(3, '0')}`);

describe('a lane', () => {
  test('delivers nothing before it is opened, then one at a time and in order', async () => {
    const { lane, push, settle, begun, acked } = laneUnderTest();
    push('a', 'b');
    expect(begun).toEqual([]);
    lane.resume();
    expect(begun).toEqual(['a']);
    await settle('a');
    expect(begun).toEqual(['a', 'b']);
    await settle('b');
    expect(acked).toEqual(['a', 'b']);
    expect(lane.empty).toBe(true);
  });

  test('does not acknowledge what was not delivered', async () => {
    const { lane, push, settle, acked } = laneUnderTest();
    lane.resume();
    push('a');
    await settle('a', 'elsewhere');
    expect(acked).toEqual([]);
  });

  test('acknowledges, and does not repeat, what comes again after it was handled', async () => {
    const { lane, push, pushAgain, settle, begun, acked } = laneUnderTest();
    lane.resume();
    push('a');
    await settle('a');
    pushAgain('a');
    expect(begun).toEqual(['a']);
    expect(acked).toEqual(['a', 'a']);
  });

  test('what comes again while it is being handled is handled once', async () => {
    const { lane, push, pushAgain, settle, begun, acked } = laneUnderTest();
    lane.resume();
    push('a');
    pushAgain('a');
    await settle('a');
    expect(begun).toEqual(['a']);
    expect(acked).toEqual(['a', 'a']);
  });

  test('pausing waits for what runs and begins nothing more', async () => {
    const { lane, push, settle, begun } = laneUnderTest();
    lane.resume();
    push('a', 'b');
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
    push('a', 'b');
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
    const handle: LaneHandler = ({ envelope: { id } }) => {
      begun.push(id);
      return begun.length === 1 ? Promise.reject(new Error('not even recorded')) : Promise.resolve('done');
    };
    const lane = new Lane({ handle }, new ParkedInMemory() as never);
    const acked: string[] = [];
    for (const id of ['a', 'b']) lane.push(new TrackedDelivery(deliveryOf(id, acked), 0, 1));
    lane.resume();
    await settled();
    expect([begun, acked]).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ]);
  });
});

describe('a lane with more events than it holds', () => {
  test('parks them all, in order, lets the broker forget them, and delivers them in order', async () => {
    const { lane, push, finishAll, begun, acked, parked } = laneUnderTest();
    lane.resume();
    const ids = numbered(100);
    push(...ids);
    await settled();
    expect([parked.ids, acked, lane.length, lane.parked]).toEqual([ids, ids, 100, 100]);
    await finishAll();
    expect(begun).toEqual(ids);
    expect([parked.ids, lane.length, lane.empty]).toEqual([[], 0, true]);
    push('after');
    expect(begun.at(-1)).toBe('after');
    await finishAll();
    expect(acked).toEqual([...ids, 'after']);
  });

  test('goes on in order however the database answers between what comes and what is done', async () => {
    const { lane, push, settle, begun, acked, parked } = laneUnderTest();
    lane.resume();
    const ids = numbered(300);
    for (let at = 0; at < ids.length; at += 3) {
      const letGo = parked.hold();
      push(...ids.slice(at, at + 3));
      if (at % 2 === 0) await settle(begun.at(-1) as string);
      letGo();
      if (at % 5 === 0) await settled();
      if (at % 7 === 0) await settle(begun.at(-1) as string);
    }
    for (let quiet = 0; quiet < 3; quiet += 1) {
      const before = begun.length;
      await settle(begun.at(-1) as string);
      if (begun.length > before) quiet = -1;
    }
    expect(begun).toEqual(ids);
    expect([...acked].sort()).toEqual(ids);
    expect([parked.ids, lane.empty]).toEqual([[], true]);
  });

  test('does not deliver twice what was handled while it was being parked', async () => {
    const { lane, push, settle, finishAll, begun, acked, parked } = laneUnderTest();
    lane.resume();
    const ids = numbered(12);
    const letGo = parked.hold();
    push(...ids);
    await settle(ids[0] as string);
    await settle(ids[1] as string);
    letGo();
    await settled();
    expect(parked.ids).toEqual(ids.slice(2));
    await finishAll();
    expect([begun, [...acked].sort()]).toEqual([ids, ids]);
  });

  test('acknowledges nothing that this runner may not park any more', async () => {
    const { lane, push, acked, parked } = laneUnderTest();
    parked.refuses = true;
    lane.resume();
    push(...numbered(12));
    await settled();
    expect([acked, parked.ids]).toEqual([[], []]);
  });
});

describe('parked events', () => {
  const parkedBefore = async (ids: string[]) => {
    const parked = new ParkedInMemory();
    await parked.add(ids.map((id) => ({ envelope: deliveryOf(id, []).envelope, retry: undefined })));
    return parked;
  };

  test('of the holder before come first, and what it had not acknowledged is not delivered twice', async () => {
    const { lane, push, pushAgain, finishAll, begun, acked } = laneUnderTest(await parkedBefore(['a', 'b']));
    lane.knowParked(2);
    expect(lane.empty).toBe(false);
    pushAgain('b');
    push('c');
    lane.resume();
    await settled();
    await finishAll();
    expect([begun, acked]).toEqual([
      ['a', 'b', 'c'],
      ['b', 'c'],
    ]);
  });

  test('stay when the channel is lost, and what the broker kept comes again behind them', async () => {
    const { lane, push, pushAgain, finishAll, begun, parked } = laneUnderTest();
    push(...numbered(9));
    await settled();
    expect(parked.ids).toEqual(numbered(9));
    const letGo = parked.hold();
    push('kept by the broker');
    lane.forgetUndelivered();
    pushAgain('kept by the broker');
    letGo();
    lane.resume();
    await settled();
    await finishAll();
    expect(begun).toEqual([...numbered(9), 'kept by the broker']);
  });

  test('of a plugin that hears nothing any more are dropped, and what waited for another try is given up', async () => {
    const { lane, push, settle, begun, parked, acked } = laneUnderTest(await parkedBefore(['a', 'b']));
    const retry = { attempts: 1, version: '1.0.0', failed: [], dueAt: 0 };
    await parked.keepRetry(2, retry);
    lane.knowParked(2);
    push('c');
    const given: string[] = [];
    await lane.drop(({ envelope: { id }, retry: waits }) => {
      if (waits) given.push(id);
      return Promise.resolve();
    });
    expect([given, parked.ids, acked, lane.empty]).toEqual([['b'], [], ['c'], true]);
    push('d');
    lane.resume();
    await settle('d');
    expect(begun).toEqual(['d']);
  });

  test('of which one waits for another try are given up once, by whoever was at it', async () => {
    const { lane, push, settle, running, parked } = laneUnderTest();
    lane.resume();
    push('a', 'b');
    const event = running.get('a') as LaneEvent;
    event.retry = { attempts: 1, version: '1.0.0', failed: [], dueAt: Infinity };
    lane.keepRetry(event);
    await settled();
    const given: string[] = [];
    const dropping = lane.drop(({ envelope: { id }, retry }) => {
      if (retry) given.push(id);
      return Promise.resolve();
    });
    await settled();
    // It notices by itself that its plugin hears nothing any more, and gives up.
    await settle('a');
    await dropping;
    expect([given, parked.ids, lane.empty, lane.length]).toEqual([[], [], true, 0]);
  });

  test('that wait for another try are kept with it', async () => {
    const { lane, push, running, parked, acked } = laneUnderTest();
    lane.resume();
    push('a', 'b');
    const event = running.get('a') as LaneEvent;
    event.retry = { attempts: 1, version: '1.0.0', failed: [], dueAt: 5 };
    lane.keepRetry(event);
    await settled();
    expect(parked.kept).toMatchObject([{ retry: { dueAt: 5 } }, { retry: undefined }]);
    expect(acked).toEqual(['a', 'b']);
  });
});

describe('a hand-over', () => {
  test('waits for what runs, parks what others have begun, and leaves the rest to the broker', async () => {
    const { lane, push, settle, begun, acked, parked } = laneUnderTest();
    lane.resume();
    push('a', 'b', 'c', 'd');
    let finished = false;
    const finishing = lane.finish(2).then(() => (finished = true));
    await settled();
    expect(finished).toBe(false);
    await settle('a');
    await finishing;
    expect([begun, parked.ids, acked]).toEqual([['a'], ['b', 'c'], ['a', 'b', 'c']]);
  });

  test('that did not come about lets everything go on in order', async () => {
    const { lane, push, finishAll, begun, parked } = laneUnderTest();
    lane.resume();
    push('a', 'b', 'c');
    const finishing = lane.finish(1);
    await finishAll();
    await finishing;
    lane.goOn();
    await finishAll();
    expect([begun, parked.ids]).toEqual([['a', 'b', 'c'], []]);
  });

  test('does not wait for the time of another try', async () => {
    const { lane, push, running, parked } = laneUnderTest();
    lane.resume();
    push('a');
    const event = running.get('a') as LaneEvent;
    event.retry = { attempts: 1, version: '1.0.0', failed: [], dueAt: Infinity };
    lane.keepRetry(event);
    await settled();
    void lane.finish(0);
    await settled();
    expect(parked.ids).toEqual(['a']);
  });
});

describe('a lane of a plugin that wants only the events about the same in order', () => {
  /** `a-1` and `a-2` are about `a`; what is about nothing is handled alone. */
  const subjectOf: SubjectOf = ({ envelope: { id } }) => (id.includes('-') ? id.split('-')[0] : undefined);
  const open = (parked = new ParkedInMemory()) => {
    const room = laneUnderTest(parked, subjectOf);
    room.lane.resume();
    return room;
  };

  test('handles events about others at the same time, and those about the same one after the other', async () => {
    const { push, settle, begun, acked } = open();
    push('a-1', 'a-2', 'b-1', 'a-3', 'c-1');
    expect(begun).toEqual(['a-1', 'b-1', 'c-1']);
    await settle('b-1');
    expect(acked).toEqual(['b-1']);
    await settle('a-1');
    expect(begun).toEqual(['a-1', 'b-1', 'c-1', 'a-2']);
    await settle('a-2');
    expect(begun.at(-1)).toBe('a-3');
  });

  test('handles eight at the same time at most', async () => {
    const { push, settle, begun } = open();
    push(...Array.from({ length: 10 }, (_nothing, at) => `s${at}-1`));
    expect(begun).toHaveLength(8);
    await settle('s3-1');
    expect(begun).toHaveLength(9);
  });

  test('handles an event that is about nothing alone, and in its place', async () => {
    const { push, settle, begun } = open();
    push('a-1', 'b-1', 'alone', 'a-2', 'c-1');
    expect(begun).toEqual(['a-1', 'b-1']);
    await settle('b-1');
    expect(begun).toEqual(['a-1', 'b-1']);
    await settle('a-1');
    expect(begun).toEqual(['a-1', 'b-1', 'alone']);
    await settle('alone');
    expect(begun).toEqual(['a-1', 'b-1', 'alone', 'a-2', 'c-1']);
  });

  test('keeps the order of what is put off by a pause', async () => {
    const { lane, push, settle, begun } = open();
    push('a-1', 'a-2', 'b-1');
    const paused = lane.pause();
    await settle('b-1');
    await settle('a-1', 'later');
    await paused;
    lane.resume();
    await settled();
    expect(begun).toEqual(['a-1', 'b-1', 'a-1']);
    await settle('a-1');
    expect(begun.at(-1)).toBe('a-2');
  });

  test('parks in the order in which they came what runs and what waits, and knows at the end which are done', async () => {
    const { lane, push, settle, begun, acked, parked } = open();
    push('a-1', 'b-1', 'a-2', 'c-1', 'b-2');
    await settle('c-1');
    lane.parkOlderThan(-1);
    await settled();
    expect(parked.ids).toEqual(['a-1', 'b-1', 'a-2', 'b-2']);
    expect(acked).toEqual(['c-1', 'a-1', 'b-1', 'a-2', 'b-2']);
    await settle('b-1');
    expect(parked.ids).toEqual(['a-1', 'a-2', 'b-2']);
    for (const id of ['a-1', 'b-2', 'a-2']) await settle(id);
    expect(parked.ids).toEqual([]);
    expect(begun).toEqual(['a-1', 'b-1', 'c-1', 'b-2', 'a-2']);
    expect(lane.empty).toBe(true);
  });

  test('does not begin twice what comes again while it is being handled', async () => {
    const { push, pushAgain, settle, begun, acked } = open();
    push('a-1', 'b-1');
    pushAgain('a-1');
    pushAgain('b-1');
    await settle('b-1');
    await settle('a-1');
    expect(begun).toEqual(['a-1', 'b-1']);
    expect(acked.sort()).toEqual(['a-1', 'a-1', 'b-1', 'b-1']);
  });

  test('finishes everything that runs before a hand-over', async () => {
    const { lane, push, settle, begun, parked } = open();
    push('a-1', 'b-1', 'a-2');
    let finished = false;
    const finish = lane.finish(1).then(() => (finished = true));
    await settle('b-1');
    expect(finished).toBe(false);
    await settle('a-1');
    await finish;
    expect(begun).toEqual(['a-1', 'b-1']);
    expect(parked.ids).toEqual([]);
  });
});
