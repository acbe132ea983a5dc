import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { TurnLimits } from './fair-turns.ts';
import { FairTurns } from './fair-turns.ts';
import type { Turn } from './turn.ts';

const never = () => new AbortController().signal;
const busy = () => true;

beforeEach(() => {
  jest.useFakeTimers();
});

afterEach(() => {
  jest.useRealTimers();
});

/** Tenants whose handlers take so many milliseconds each; every one asks for its next turn as soon as one is done, like a lane. */
class Tenants {
  readonly turns: FairTurns;
  readonly begun: string[] = [];

  constructor(limits: TurnLimits) {
    this.turns = new FairTurns(limits);
  }

  async lane(tenant: string, { events, ms }: { events: number; ms: number }): Promise<void> {
    for (let event = 0; event < events; event += 1) {
      const turn = this.turns.take(tenant, busy) ?? (await this.turns.wait(tenant, busy, never()));
      this.begun.push(tenant);
      await new Promise((resolve) => setTimeout(resolve, ms));
      turn?.end();
    }
  }

  /** How many handlers of each tenant have begun. */
  get counts(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const tenant of this.begun) counts[tenant] = (counts[tenant] ?? 0) + 1;
    return counts;
  }
}

describe('turns', () => {
  test('are there at once while there is room', () => {
    const turns = new FairTurns({ atOnce: 2, ofOneTenant: 2 });
    const [first, second] = [turns.take('acme', busy), turns.take('acme', busy)];
    expect([first, second]).not.toContain(undefined);
    expect(turns.take('globex', busy)).toBeUndefined();
    first?.end();
    expect(turns.take('globex', busy)).toBeDefined();
    expect(turns.taken).toBe(2);
  });

  test('are shared by the time that handlers take, not by their number', async () => {
    const tenants = new Tenants({ atOnce: 1, ofOneTenant: 1 });
    void tenants.lane('slow', { events: 1_000, ms: 40 });
    void tenants.lane('quick', { events: 10_000, ms: 2 });
    await jest.advanceTimersByTimeAsync(4_000);
    const { slow = 0, quick = 0 } = tenants.counts;
    // Half of 4 s each, give or take the longest handler and a quantum for every turn of it.
    expect(slow * 40).toBeGreaterThan(1_400);
    expect(quick * 2).toBeGreaterThan(1_400);
  });

  test('of a tenant with many plugins are no more than those of others together', async () => {
    const tenants = new Tenants({ atOnce: 4, ofOneTenant: 2 });
    for (let plugin = 0; plugin < 20; plugin += 1) void tenants.lane('noisy', { events: 1_000, ms: 10 });
    void tenants.lane('one', { events: 1_000, ms: 10 });
    void tenants.lane('another', { events: 1_000, ms: 10 });
    await jest.advanceTimersByTimeAsync(2_000);
    const { noisy = 0, one = 0, another = 0 } = tenants.counts;
    expect(one).toBeGreaterThan(180);
    expect(another).toBeGreaterThan(180);
    expect(noisy).toBeLessThan(one + another + 10);
  });

  test('of equal tenants are equally many, though one has asked for all of them before', async () => {
    const tenants = new Tenants({ atOnce: 2, ofOneTenant: 2 });
    for (let plugin = 0; plugin < 50; plugin += 1) void tenants.lane('noisy', { events: 1_000, ms: 5 });
    for (let tenant = 0; tenant < 9; tenant += 1) {
      for (let plugin = 0; plugin < 3; plugin += 1) void tenants.lane(`t-${tenant}`, { events: 1_000, ms: 5 });
    }
    await jest.advanceTimersByTimeAsync(5_000);
    const shares = Object.values(tenants.counts);
    const jain = shares.reduce((sum, share) => sum + share) ** 2 / (10 * shares.reduce((sum, s) => sum + s * s, 0));
    expect(shares).toHaveLength(10);
    expect(jain).toBeGreaterThan(0.95);
  });

  test('end while a handler waits for something else than a processor', async () => {
    const turns = new FairTurns({ atOnce: 1, ofOneTenant: 1 });
    const idle = turns.take('acme', () => false);
    const next = turns.wait('globex', busy, never());
    await jest.advanceTimersByTimeAsync(1_000);
    expect(await next).toBeDefined();
    expect(turns.taken).toBe(1);
    idle?.end();
    expect(turns.taken).toBe(1);
  });

  test('go on for a handler that computes, however long', async () => {
    const turns = new FairTurns({ atOnce: 1, ofOneTenant: 1 });
    const computing = turns.take('acme', busy);
    let granted: Turn | undefined;
    void turns.wait('globex', busy, never()).then((turn) => (granted = turn));
    await jest.advanceTimersByTimeAsync(10_000);
    expect(granted).toBeUndefined();
    computing?.end();
    await jest.advanceTimersByTimeAsync(1);
    expect(granted).toBeDefined();
  });

  test('are not waited for by a lane that is paused', async () => {
    const turns = new FairTurns({ atOnce: 1, ofOneTenant: 1 });
    const running = turns.take('acme', busy);
    const paused = new AbortController();
    const left = turns.wait('globex', busy, paused.signal);
    const stays = turns.wait('globex', busy, never());
    paused.abort();
    expect(await left).toBeUndefined();
    expect(await turns.wait('globex', busy, paused.signal)).toBeUndefined();
    expect(turns.waiting).toBe(1);
    running?.end();
    await jest.advanceTimersByTimeAsync(1);
    expect(await stays).toBeDefined();
    expect(turns.waiting).toBe(0);
  });
});
