import { setTimeout as pause } from 'node:timers/promises';
import type { EventRoom } from './event-room.ts';
import { TENANTS } from './event-room.ts';

/** So many events are handled before a fault, and between two of them. */
const BETWEEN = 30;

export interface Fault {
  name: string;
  /** How often in the whole matrix. */
  times: number;
  /** Does it once, while events are emitted and handled. */
  strike: (room: EventRoom, time: number) => Promise<void>;
  /** How many events may be handled twice for each time it strikes. */
  twice: number;
}

/** What is in flight of a runner: of each tenant one in its handler, and the acknowledgements that died with the socket. */
const IN_FLIGHT = 5 * TENANTS.length;
/** A relay marks what it has published in batches. */
const RELAYED = 500;

export const faults: Fault[] = [
  {
    ...{ name: 'a runner is killed', times: 30, twice: IN_FLIGHT },
    strike: async (room) => {
      const [oldest] = room.runners;
      if (oldest) await room.endRunner(oldest, 'SIGKILL');
      await room.startRunner();
    },
  },
  {
    ...{ name: 'runners are replaced one after the other', times: 10, twice: 0 },
    strike: async (room) => {
      for (const runner of [...room.runners]) {
        await room.startRunner();
        await room.endRunner(runner, 'SIGTERM');
      }
    },
  },
  {
    ...{ name: 'a runner stands still for five seconds', times: 10, twice: IN_FLIGHT },
    strike: async (room, time) => {
      const runner = room.runners[time % room.runners.length];
      runner?.child.kill('SIGSTOP');
      await pause(5_000);
      runner?.child.kill('SIGCONT');
    },
  },
  {
    ...{ name: 'runners come and go', times: 10, twice: 0 },
    strike: async (room) => {
      const more = [await room.startRunner(), await room.startRunner()];
      await room.handledMore(BETWEEN);
      for (const runner of more) await room.endRunner(runner, 'SIGTERM');
    },
  },
  {
    ...{ name: 'the broker is killed', times: 20, twice: 2 * IN_FLIGHT + RELAYED },
    strike: async (room) => {
      await room.broker.kill();
      await room.broker.restart();
    },
  },
  {
    ...{ name: 'the network to the broker is cut', times: 10, twice: 2 * IN_FLIGHT },
    strike: async (room) => {
      room.brokerNetwork.become('cut');
      await pause(1_000);
      room.brokerNetwork.become('open');
    },
  },
  {
    ...{ name: 'the network to the broker swallows everything for five seconds', times: 10, twice: 2 * IN_FLIGHT },
    strike: async (room) => {
      room.brokerNetwork.become('black-hole');
      await pause(5_000);
      room.brokerNetwork.become('open');
    },
  },
  {
    ...{ name: 'the database of the runners is away for five seconds', times: 5, twice: 2 * IN_FLIGHT },
    strike: async (room) => {
      room.databaseNetwork.become('cut');
      await pause(5_000);
      room.databaseNetwork.become('open');
    },
  },
  {
    ...{ name: 'the host is killed', times: 20, twice: RELAYED },
    strike: async (room) => {
      await room.killHost();
      await room.startHost();
    },
  },
  {
    ...{ name: 'an event ends the process of whoever handles it', times: 5, twice: TENANTS.length },
    strike: (room, time) => {
      room.poison(TENANTS[time % TENANTS.length] ?? '');
      return room.handledMore(BETWEEN);
    },
  },
];

/** Lets the fault strike so often, while events are handled before, between and after. */
export async function strike(room: EventRoom, fault: Fault, times: number): Promise<void> {
  for (let time = 0; time < times; time += 1) {
    await room.handledMore(BETWEEN);
    await fault.strike(room, time);
  }
  await room.handledMore(BETWEEN);
}
