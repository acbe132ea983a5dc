import express, { type Router } from 'express';
import { messageOf } from '../errors/thrown.ts';
import { within } from '../process/within.ts';
import type { Logger } from '../logs/logger.ts';

/** A check that throws (or says false) means: send me no requests now. */
export type ReadyChecks = Record<string, () => unknown>;

/** Whoever asks for readiness waits a few seconds at most, so a check that hangs has failed before. */
const CHECK_DEADLINE_MS = 2_000;

export interface Health {
  router: Router;
  /** From now on /readyz says 503: what is coming goes elsewhere, what is here is finished. */
  setNotReady(): void;
}

/** `/livez`: 200 as long as the process answers. `/readyz`: 200, or 503 with the names of the checks that failed. */
export function health(checks: ReadyChecks, log: Logger): Health {
  let stopping = false;
  let lastFailing = '';
  const router = express.Router();
  router.get('/livez', (_req, res) => {
    res.json({ status: 'alive' });
  });
  router.get('/readyz', async (_req, res) => {
    const failures = await Promise.all(Object.entries(checks).map(([name, check]) => failureOf(name, check)));
    const failed = failures.filter((failure) => failure !== undefined);
    const failing = [...(stopping ? ['stopping'] : []), ...failed.map(({ name }) => name)];
    if (failing.join() !== lastFailing) {
      lastFailing = failing.join();
      if (failed.length > 0) log.warn({ failing: failed }, 'not ready');
      else if (!stopping) log.info('ready again');
    }
    res
      .status(failing.length === 0 ? 200 : 503)
      .json({ status: failing.length === 0 ? 'ready' : 'not ready', failing });
  });
  return {
    router,
    setNotReady() {
      stopping = true;
    },
  };
}

async function failureOf(name: string, check: () => unknown): Promise<{ name: string; reason: string } | undefined> {
  try {
    const said = await within(CHECK_DEADLINE_MS, check, () => new Error(`no answer within ${CHECK_DEADLINE_MS} ms`));
    return said === false ? { name, reason: 'said no' } : undefined;
  } catch (error) {
    return { name, reason: messageOf(error) };
  }
}
