import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { EventRoom } from './event-room.ts';
import { faults, strike } from './faults.ts';

jest.setTimeout(240_000);

describe('events arrive, in order, by one runner at a time, when', () => {
  let room: EventRoom;
  beforeAll(async () => (room = await EventRoom.open()), 120_000);
  afterAll(() => room.close(), 60_000);

  test.each(faults)('$name', async (fault) => {
    await strike(room, fault, 1);
    const { lost, outOfOrder, overlaps, duplicates } = await room.verdict();
    expect({ lost, outOfOrder, overlaps }).toEqual({ lost: [], outOfOrder: [], overlaps: [] });
    expect(duplicates.length).toBeLessThanOrEqual(fault.twice);
  });
});
