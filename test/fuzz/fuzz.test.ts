import { expect, test } from '@jest/globals';
import type { Kind } from './fuzz-process.ts';
import { fuzz } from './fuzz.ts';

/** A share of `npm run fuzz`, the same every time. */
const SEED = 1;
/** A process starts for each, and machines are busy. */
const DONE_WITHIN_MS = 600_000;

test.each<[Kind, number, string]>([
  ['archives', 200, 'accepted'],
  ['manifests', 500, 'installed'],
])(
  'of mutated %s none brings the process down, keeps it for ever, needs too much, or writes where it may not',
  async (kind, count, good) => {
    const { tried, outcomes, crashes, hangs, overBudget, outside } = await fuzz({ kind, seed: SEED, count });
    expect({ crashes, hangs, overBudget, outside }).toEqual({ crashes: [], hangs: [], overBudget: [], outside: [] });
    expect(tried).toBe(count);
    // Neither everything nor nothing is refused, or the mutations would say little.
    expect(outcomes[good]).toBeGreaterThan(count / 50);
    expect(outcomes[good]).toBeLessThan(count / 2);
  },
  DONE_WITHIN_MS,
);
