import type { Measurement } from '../frame/bench.ts';
import { figureOf } from '../frame/figure.ts';
import { inTurn } from '../frame/rounds.ts';
import { median } from '../frame/statistics.ts';
import { BareProcess } from './bare-process.ts';
import { benchPlugin } from './bench-plugin.ts';
import { PluginFolder } from './direct-isolate.ts';

const ONE_BY_ONE = 3_000;
const PIPELINED = 100_000;
/** So many are on their way at a time: more fill buffers, fewer leave one of the two processes waiting. */
const WINDOW = 256;
const ANSWER_LIMIT_MS = 30_000;
const EVENT = {
  event: 'risk:created',
  limitMs: ANSWER_LIMIT_MS,
  payload: {
    tenant: 'bench',
    eventId: 'a8f5f167-f44f-4964-a6c9-98d4ab5c3c7a',
    timestamp: '2026-01-01T00:00:00.000Z',
    source: 'bench',
    riskId: 42,
    projectId: 7,
    risk: { id: 42, title: 'A model that drifts', likelihood: 3, impact: 4, owner: 'ada@example.com' },
  },
};

type Send = () => Promise<unknown>;

export const eventRoundTrip: Measurement = {
  name: 'event',
  note:
    "an event goes to a running isolate by the bench's own IsolateProcess and its handler has ended when it is answered; " +
    'the limit is the same payload, serialized alike, to a forked Node process that answers it at once.',
  async measure({ rounds, closers }) {
    const folder = closers.add(await PluginFolder.with(benchPlugin()));
    const isolate = await folder.startIsolate();
    closers.addStep('isolate', () => isolate.stop());
    const bare = closers.add((await BareProcess.start('echoes')).process);

    const { product, limit } = await inTurn(rounds, {
      limit: () => roundTrips(askBare(bare)),
      product: () => roundTrips(() => isolate.call('event', EVENT, ANSWER_LIMIT_MS)),
    });
    return [
      figureOf(
        { figure: 'event into a running isolate and handler done: p50', unit: 'ms', aim: { ratioAtMost: 5 } },
        { product: product.p50, limit: limit.p50 },
      ),
      figureOf(
        {
          figure: 'event into a running isolate and handler done: pipelined',
          unit: 'events/s',
          aim: { ratioAtLeast: 0.3 },
        },
        { product: product.rate, limit: limit.rate },
      ),
    ];
  },
};

/** Asks with what the protocol has around the payload, and nothing around the asking but the wait for the answer. */
function askBare({ child }: BareProcess): Send {
  let nextId = 1;
  const waiting = new Map<number, (answer: unknown) => void>();
  child.on('message', ({ id }: { id: number }) => {
    waiting.get(id)?.(undefined);
    waiting.delete(id);
  });
  return () =>
    new Promise((resolve) => {
      const id = nextId++;
      waiting.set(id, resolve);
      child.send({ kind: 'call', id, call: 'event', request: EVENT });
    });
}

async function roundTrips(send: Send): Promise<{ p50: number; rate: number }> {
  const times: number[] = [];
  for (let count = 0; count < ONE_BY_ONE; count += 1) {
    const startedAt = performance.now();
    await send();
    times.push(performance.now() - startedAt);
  }
  const startedAt = performance.now();
  let begun = 0;
  const lane = async () => {
    while (begun < PIPELINED) {
      begun += 1;
      await send();
    }
  };
  await Promise.all(Array.from({ length: WINDOW }, lane));
  return { p50: median(times), rate: PIPELINED / ((performance.now() - startedAt) / 1000) };
}
