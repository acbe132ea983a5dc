import { expect, test } from '@jest/globals';
import { offerOf, type TenantOffer } from './tenant-offer.ts';
import { TenantOffers } from './tenant-offers.ts';

const LONG_MS = 60_000;

const nothing = offerOf([]);
const other = offerOf([]);

/** Answers that a test gives one after the other, and what was asked. */
function room(options: { most?: number; freshMs?: number; againMs?: number } = {}) {
  const asked: string[] = [];
  const warned: string[] = [];
  const waiting: PromiseWithResolvers<TenantOffer>[] = [];
  const log = {
    debug: quiet,
    info: quiet,
    error: quiet,
    warn: (_about: unknown, text?: string) => warned.push(text ?? ''),
  };
  const offers = new TenantOffers({
    ask(tenant) {
      asked.push(tenant);
      const answer = Promise.withResolvers<TenantOffer>();
      waiting.push(answer);
      return answer.promise;
    },
    log: log as never,
    freshMs: LONG_MS,
    againMs: LONG_MS,
    ...options,
  });
  const answer = (offer: TenantOffer) => waiting.shift()?.resolve(offer);
  const fail = () => waiting.shift()?.reject(new Error('nobody there'));
  return { offers, asked, warned, answer, fail };
}

function quiet(): void {
  // Only warnings are looked at.
}

test('a tenant is asked about once, however many wait, and then answered at once', async () => {
  const { offers, asked, answer } = room();
  const waiting = [offers.of('acme'), offers.of('acme')];
  answer(nothing);
  for (const one of waiting) expect(await one).toBe(nothing);
  expect(offers.of('acme')).toBe(nothing);
  expect(asked).toEqual(['acme']);
});

test('what a fact has outdated is not answered any more, also when the fact comes while it is asked', async () => {
  const { offers, asked, answer } = room();
  const waiting = offers.of('acme');
  offers.outdate('acme');
  answer(nothing);
  await Promise.resolve();
  await Promise.resolve();
  answer(other);
  expect(await waiting).toBe(other);
  expect(asked).toEqual(['acme', 'acme']);

  offers.outdateAll();
  const again = offers.of('acme');
  expect(again).toBeInstanceOf(Promise);
  answer(nothing);
  expect(await again).toBe(nothing);
});

test('what is old is answered at once and looked up behind, so that a lost fact does not matter for long', async () => {
  const { offers, asked, answer } = room({ freshMs: 0 });
  const first = offers.of('acme');
  answer(nothing);
  await first;
  expect(offers.of('acme')).toBe(nothing);
  expect(asked).toEqual(['acme', 'acme']);
  answer(other);
  await new Promise(setImmediate);
  expect(offers.of('acme')).toBe(other);
});

test('when nobody answers, the last that was known counts, and nobody is asked all the time', async () => {
  const { offers, asked, answer, fail, warned } = room();
  const unknown = offers.of('globex');
  fail();
  expect(await unknown).toBeUndefined();
  expect(offers.of('globex')).toBeUndefined();

  const known = offers.of('acme');
  answer(nothing);
  await known;
  offers.outdate('acme');
  const outdated = offers.of('acme');
  fail();
  expect(await outdated).toBe(nothing);
  expect(offers.of('acme')).toBe(nothing);
  expect(asked).toEqual(['globex', 'acme', 'acme']);
  expect(warned).toEqual([expect.stringContaining('nothing is known'), expect.stringContaining('the last')]);
});

test('of more tenants than there is room for, those that were not needed for longest are forgotten', async () => {
  const { offers, asked, answer } = room({ most: 2 });
  for (const tenant of ['acme', 'globex', 'acme', 'initech', 'acme']) {
    const offer = offers.of(tenant);
    answer(nothing);
    await offer;
  }
  void offers.of('globex');
  expect(asked).toEqual(['acme', 'globex', 'initech', 'globex']);
});
