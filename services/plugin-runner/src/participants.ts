import { PlatformError } from '@verifywise/contracts';

/** A plugin that takes part in a filter or in middleware; or why it cannot, because its isolate did not come up. */
export type Participant<Plugin> =
  { kind: 'awake'; pluginId: string; plugin: Plugin } | { kind: 'unreachable'; pluginId: string; error: Error };

/** What the way of an outcome back to its asker may take of the deadline, at most and as a part of it. */
const WAY_BACK_MS = 100;
const WAY_BACK_PART = 0.1;
/** An isolate ends a late handler by itself; it is waited for this much longer, so that what came before is not lost with it. */
const GRACE_MS = 250;
const GRACE_PART = 0.2;

/** What of the asker's deadline is not the handlers': a host that waits 200 ms leaves them 140. */
export function reserveOf(deadlineMs: number): { wayBackMs: number; graceMs: number } {
  return {
    wayBackMs: Math.min(WAY_BACK_MS, deadlineMs * WAY_BACK_PART),
    graceMs: Math.min(GRACE_MS, deadlineMs * GRACE_PART),
  };
}

/** A start takes 30 to 100 ms; whoever needs longer than this does not hold up the platform's requests. */
const WAKE_LIMIT_MS = 2_000;

/**
 * All of the plugins at once, in the order given; those whose isolates sleep or are being started are waited for, for a while.
 * Rejects only when the tenant has moved to another runner.
 */
export function wakeAll<Plugin>(
  pluginIds: string[],
  wake: (pluginId: string) => Promise<Plugin>,
  limitMs: number,
): Promise<Participant<Plugin>[]> {
  return Promise.all(pluginIds.map((pluginId) => wakeOne(pluginId, wake, Math.min(limitMs, WAKE_LIMIT_MS))));
}

async function wakeOne<Plugin>(
  pluginId: string,
  wake: (pluginId: string) => Promise<Plugin>,
  limitMs: number,
): Promise<Participant<Plugin>> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const error = new PlatformError('HANDLER_TIMED_OUT', `${pluginId} did not start within ${Math.round(limitMs)} ms`);
    timer = setTimeout(() => reject(error), limitMs);
  });
  try {
    return { kind: 'awake', pluginId, plugin: await Promise.race([wake(pluginId), late]) };
  } catch (error) {
    rethrowIfMoved(error);
    return { kind: 'unreachable', pluginId, error: error as Error };
  } finally {
    clearTimeout(timer);
  }
}

/** Only the asker can do something about a tenant that has moved: it asks again. */
export function rethrowIfMoved(error: unknown): void {
  if ((error as { code?: unknown } | null)?.code === 'NOT_THE_OWNER') throw error;
}
