import { RunJob, type JobRun } from '@verifywise/contracts';
import type { ClaimedFire, FireBook, ScheduleBook } from './books.ts';
import { answerDeadlineMs } from './retries.ts';
import { decideDue, type CronTimes } from './slots.ts';

/** Enough to keep PostgreSQL busy, few enough for a short transaction, and for nobody to wait long behind another's. */
const AT_ONCE = 100;
/** A broker that does not confirm within this is away; the fire is in PostgreSQL and goes later. */
const SEND_DEADLINE_MS = 3_000;
/** Longer than sending may take: a fire whose sender died is sent by another after this. */
const LEASE_MS = 6_000;
const AFTER_FAILED_SEND_MS = 2_000;
/** A broker that is well confirms in a few milliseconds. */
const SLOW_MS = 250;
/** What is overdue although we just looked is in the hands of another scheduler: look again, but not at once. */
const SOONEST_WAKE_MS = 100;

/** Hands a due fire to the owner of the tenant; resolves once the broker has it for good. */
export type SendRun = (work: typeof RunJob, message: RunMessage, patience: { deadlineMs: number }) => Promise<void>;
export interface RunMessage {
  tenant: string;
  id: string;
  payload: JobRun;
}

export interface FireDueParts {
  schedules: ScheduleBook;
  fires: FireBook;
  cron: CronTimes;
  send: SendRun;
  /** Has somebody call `fireDue` again after this time; may fail to, the sweeper comes around. */
  wakeIn: (ms: number) => void;
  /** Leaves what is still due to others, or to the next start. */
  stopping: AbortSignal;
  /** How long a plugin's handler may take. */
  limitMs: number;
  watch: { fired(lateMs: number): void; sendFailed(error: unknown, claimed: ClaimedFire): void };
}

/**
 * Writes down every slot that is due, one row each, then sends what is to be sent. Safe to call at any time and from
 * any number of schedulers: the row is unique, and a row that is held is passed over.
 */
export function createFireDue(parts: FireDueParts): () => Promise<void> {
  const { schedules, wakeIn, stopping } = parts;
  return async function fireDue() {
    // In turn, so that what became due last does not wait until all is written down.
    for (let more = true; more && !stopping.aborted;) {
      const written = await writeDownDueSlots(parts);
      const sent = await sendFires(parts);
      more = written || sent;
    }
    const next = await schedules.nextWakeMs();
    if (next !== undefined) wakeIn(Math.max(next, SOONEST_WAKE_MS));
  };
}

/** Answers whether there may be more. */
async function writeDownDueSlots({ schedules, cron, watch }: FireDueParts): Promise<boolean> {
  const taken = await schedules.takeDue(AT_ONCE, (schedule, now, running) => decideDue(schedule, now, running, cron));
  for (const lateMs of taken.lateMs) watch.fired(lateMs);
  return taken.schedules >= AT_ONCE;
}

/** Answers whether there may be more. */
async function sendFires(parts: FireDueParts): Promise<boolean> {
  const claimed = await parts.fires.claim(AT_ONCE, LEASE_MS);
  let sent = false;
  const all = Promise.all(
    claimed.map(async (one) => {
      if (await sendOne(parts, one)) sent = true;
    }),
  );
  await withoutTheSlow(all);
  // With the broker away the rest would fail too, each after its deadline.
  return sent;
}

/** A queue that cannot be reached keeps nobody waiting for the others. What is slow ends by itself, and else with its lease. */
async function withoutTheSlow(sends: Promise<unknown>): Promise<void> {
  sends.catch(() => undefined);
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const patience = setTimeout(() => resolve(undefined), SLOW_MS);
  await Promise.race([sends, promise]).finally(() => clearTimeout(patience));
}

/** Between sending and marking a crash may come: then it is sent again, with the same fire id and the same message id. */
async function sendOne({ send, fires, limitMs, watch }: FireDueParts, claimed: ClaimedFire): Promise<boolean> {
  const { fire, schedule } = claimed;
  const { pluginId, name, data } = schedule;
  const payload: JobRun = {
    pluginId,
    schedule: name,
    fireId: fire.id,
    attempt: fire.attempt,
    data,
    dueAt: fire.slot.toISOString(),
    limitMs,
  };
  const id = [fire.id, fire.attempt, fire.waits, fire.unanswered].join('.');
  try {
    await send(RunJob, { tenant: fire.tenant, id, payload }, { deadlineMs: SEND_DEADLINE_MS });
  } catch (error) {
    watch.sendFailed(error, claimed);
    await fires.giveBack(fire, AFTER_FAILED_SEND_MS);
    return false;
  }
  await fires.markSent(fire, answerDeadlineMs(limitMs, fire.unanswered));
  return true;
}
