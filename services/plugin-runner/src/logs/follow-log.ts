import { pause } from '../pause.ts';
import type { LogFilter, LogLine, LogRecords } from './log-line.ts';

/** How late a line may be seen; asking more often costs the database more than a reader gains. */
const LOOK_EVERY_MS = 500;
const AT_ONCE = 200;

/**
 * The lines that come after the one with the id `after`, as they come, whichever runner writes them. Asks for more only when the
 * ones before were taken, so that a slow reader costs no memory. Ends when the signal says so.
 */
export async function* followLog(
  records: Pick<LogRecords, 'following'>,
  { tenant, pluginId, after, filter }: { tenant: string; pluginId: string; after: string; filter: LogFilter },
  signal: AbortSignal,
): AsyncGenerator<LogLine[]> {
  let cursor = after;
  while (!signal.aborted) {
    const lines = await records.following(tenant, pluginId, cursor, filter, AT_ONCE);
    const last = lines.at(-1);
    if (last) {
      cursor = last.id;
      yield lines;
    }
    if (lines.length < AT_ONCE) await pause(LOOK_EVERY_MS, signal);
  }
}
