import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { EventRoom } from './event-room.ts';
import { faults, strike } from './faults.ts';

/** A killed broker takes ten seconds to be back, and is killed twenty times. */
jest.setTimeout(1_200_000);

/** `npm run faults`: every fault as often as it takes to meet what happens seldom. Its table is what docs/reliability.md carries. */
describe('events arrive, in order, by one runner at a time, when', () => {
  let room: EventRoom;
  const table: string[] = [];
  beforeAll(async () => (room = await EventRoom.open()), 120_000);
  afterAll(async () => {
    await room.close();
    process.stdout.write(
      `${['fault | times | events | lost | out of order | overlaps | twice', ...table].join('\n')}\n`,
    );
  }, 60_000);

  test.each(faults)('$name, $times times', async (fault) => {
    await strike(room, fault, fault.times);
    const { emitted, lost, outOfOrder, overlaps, duplicates } = await room.verdict();
    const counts = [emitted, lost.length, outOfOrder.length, overlaps.length, duplicates.length];
    table.push([fault.name, fault.times, ...counts].join(' | '));
    expect({ lost, outOfOrder, overlaps }).toEqual({ lost: [], outOfOrder: [], overlaps: [] });
    expect(duplicates.length).toBeLessThanOrEqual(fault.twice * fault.times);
  });
});
