import type { Bench } from './frame/bench.ts';
import { badNeighbour } from './isolates/bad-neighbour.ts';
import { eventRoundTrip } from './isolates/event-round-trip.ts';
import { idleMemory } from './isolates/idle-memory.ts';
import { manyIsolates } from './isolates/many-isolates.ts';
import { pluginRoute } from './isolates/plugin-route.ts';
import { sleeping } from './isolates/sleeping.ts';
import { startTime } from './isolates/start-time.ts';
import { waking } from './isolates/waking.ts';

/** What an isolate costs beside a bare forked Node process. */
export const bench: Bench = {
  about: 'what an isolate costs beside a bare forked Node process: start, memory, events, routes, bad neighbours',
  backing: ['rabbitmq', 'postgres'],
  measurements: [startTime, idleMemory, manyIsolates, sleeping, eventRoundTrip, waking, pluginRoute, badNeighbour],
};
