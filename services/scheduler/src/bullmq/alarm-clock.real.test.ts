import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createLogger } from '@verifywise/service-kit';
import { Redis } from 'ioredis';
import { backingServices } from '../../../../test/support/backing-services.ts';
import { eventually } from '../../../../test/support/eventually.ts';
import { startAlarmClock, type AlarmClock } from './alarm-clock.ts';

const redisUrl = `${backingServices().redisUrl}/8`;
const log = createLogger('alarm-test', 'silent');
let redis: Redis;
let clocks: Record<'one' | 'other', AlarmClock>;
let rung: string[];

beforeEach(async () => {
  redis = new Redis(redisUrl);
  rung = [];
  const clock = (name: string) => startAlarmClock({ redisUrl, log, ring: () => void rung.push(name) });
  clocks = { one: clock('one'), other: clock('other') };
  // Each looks once when it is connected.
  await eventually(() => expect([...rung].sort()).toEqual(['one', 'other']));
  rung = [];
});
afterEach(async () => {
  await Promise.all([clocks.one.close(), clocks.other.close()]);
  await redis.flushdb();
  redis.disconnect();
});

async function alarmIsSet(): Promise<void> {
  await eventually(async () => expect(await redis.keys('scheduler:alarms:at-*')).toHaveLength(1));
}

test('an alarm rings on another scheduler when the one that has set it is gone', async () => {
  clocks.one.wakeIn(2_500);
  await alarmIsSet();
  await clocks.one.close();
  await eventually(() => expect(rung).toEqual(['other']));
});

test('who has set an alarm looks also when Redis has forgotten it', async () => {
  clocks.one.wakeIn(1_500);
  await alarmIsSet();
  await redis.flushdb();
  await eventually(() => expect(rung).toContain('one'));
});

test('what is far away is not kept in Redis', async () => {
  clocks.one.wakeIn(3_600_000);
  clocks.one.wakeIn(5_000);
  await alarmIsSet();
});
