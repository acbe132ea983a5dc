import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BenchPlace, Measurement } from '../frame/bench.ts';
import { figureOf } from '../frame/figure.ts';
import { inTurn } from '../frame/rounds.ts';
import { BareProcess } from '../isolates/bare-process.ts';
import type { Target } from '../isolates/keep-alive-client.ts';
import { processorTime } from '../isolates/processor-time.ts';
import { PLUGINS, startMarketplace, TENANTS, type Marketplace } from './marketplace-under-test.ts';
import { fullLoad } from '../isolates/load.ts';
import { askOnce } from './ask-once.ts';
import { inTurnOf } from './in-turn-of.ts';
import { newSearch, searches } from './two-thousand-plugins.ts';

const CONNECTIONS = 16;
const FOR_MS = 4_000;
const WARM_UP_MS = 1_500;
const SEARCHES_EACH = 5;
/** Express is resolved from there. */
const CACHE_PACKAGE = fileURLToPath(new URL('../../../services/registry-cache/package.json', import.meta.url));
const ANSWERS_PROGRAM = new URL('bare/answers.cjs', import.meta.url);
const CATALOGUE = `${PLUGINS} plugins, ${TENANTS} tenants with ten of them installed each`;
const LIMIT =
  'the limit is a bare Express route in a process of its own that sends the same bytes, ready in memory, without an ETag. registry-cache ' +
  'checks a token (JWT), follows what each tenant has installed (the installer is a process of its own) and searches; bare, none of this is done. ' +
  'The load is made by the bench on the same processor cores.';

export const searching: Measurement = {
  name: 'search',
  note: `${CATALOGUE}; ${CONNECTIONS} connections search, each tenant for ${SEARCHES_EACH} texts with slips of the pen, 20 plugins a page; ${LIMIT}`,
  async measure(place) {
    const marketplace = await startMarketplace(place);
    const texts = Array.from(
      { length: TENANTS * SEARCHES_EACH },
      (_, at) => searches[(at * 7) % searches.length] ?? '',
    );
    const targets = texts.map((text, at) => marketplace.target(at % TENANTS, searchPath(text)));
    return compared(place, marketplace, 'a search', targets, { aim: { ratioAtLeast: 0.5 } });
  },
};

export const newSearches: Measurement = {
  name: 'new search',
  note: `${CATALOGUE}; ${CONNECTIONS} connections search, each time for a text that nobody has searched for before; ${LIMIT}`,
  async measure(place) {
    const marketplace = await startMarketplace(place);
    const recorded = Array.from({ length: 200 }, (_, at) => marketplace.target(at, searchPath(newSearch(at))));
    let number = recorded.length;
    const next = () => {
      number += 1;
      return marketplace.target(number, searchPath(newSearch(number)));
    };
    return compared(place, marketplace, 'a search nobody made before', recorded, {}, next);
  },
};

export const browsing: Measurement = {
  name: 'page',
  note: `${CATALOGUE}; ${CONNECTIONS} connections ask for the first page of everything, 200 plugins; ${LIMIT}`,
  async measure(place) {
    const marketplace = await startMarketplace(place);
    const targets = Array.from({ length: TENANTS }, (_, tenant) => marketplace.target(tenant, '/api/marketplace'));
    return compared(place, marketplace, 'a page of 200 plugins', targets, {});
  },
};

async function compared(
  place: BenchPlace,
  marketplace: Marketplace,
  what: string,
  targets: readonly Target[],
  rate: { aim?: { ratioAtLeast: number } },
  next = inTurnOf(targets),
) {
  const bare = await bareAnswers(place, targets);
  const nextBare = inTurnOf(bare.targets);
  await fullLoad(next, CONNECTIONS, WARM_UP_MS);
  await fullLoad(nextBare, CONNECTIONS, WARM_UP_MS);
  const { product, limit } = await inTurn(place.rounds, {
    limit: () => loaded(nextBare, bare.pid),
    product: () => loaded(next, marketplace.pid),
  });
  const sides = <Name extends 'rate' | 'p99' | 'microseconds'>(name: Name) => ({
    product: product[name],
    limit: limit[name],
  });
  return [
    figureOf({ figure: `${what}: rate`, unit: 'requests/s', ...rate }, sides('rate')),
    figureOf({ figure: `${what}: p99`, unit: 'ms' }, sides('p99')),
    figureOf({ figure: `${what}: processor time of the service`, unit: 'µs' }, sides('microseconds')),
  ];
}

/** The answers as the product gives them now, served by a process that does nothing else. */
async function bareAnswers(
  { closers }: BenchPlace,
  targets: readonly Target[],
): Promise<{ pid: number; targets: Target[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'verifywise-answers-'));
  closers.addStep('answers', () => rm(folder, { recursive: true, force: true }));
  for (const [number, { port, path, headers = {} }] of targets.entries()) {
    const answer = await askOnce(`http://127.0.0.1:${port}${path}`, headers);
    if (answer.status !== 200) throw new Error(`${path} was answered with ${answer.status}`);
    await writeFile(join(folder, String(number)), Buffer.from(await answer.arrayBuffer()));
  }
  const args = [CACHE_PACKAGE, folder, String(targets.length)];
  const { process: bare, said: port } = await BareProcess.start(ANSWERS_PROGRAM, ...args);
  closers.add(bare);
  const answers = targets.map((_, number) => ({ port: port as number, path: `/answers/${number}` }));
  return { pid: bare.pid, targets: answers };
}

/** The processor time says what a request costs also on a machine that does other things meanwhile. */
async function loaded(next: () => Target, pid: number): Promise<{ rate: number; p99: number; microseconds: number }> {
  let load = { rate: NaN, p99: NaN, requests: NaN };
  const used = await processorTime([pid], async () => {
    load = await fullLoad(next, CONNECTIONS, FOR_MS);
  });
  const { rate, p99, requests } = load;
  return { rate, p99, microseconds: used / requests };
}

function searchPath(text: string): string {
  return `/api/marketplace?search=${encodeURIComponent(text)}&limit=20`;
}
