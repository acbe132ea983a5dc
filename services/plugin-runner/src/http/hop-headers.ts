import type { IncomingHttpHeaders } from 'node:http';
import { hopByHopHeaders } from '@verifywise/contracts';

/** `expect` was met by whoever has read the headers. */
const HOP_BY_HOP = new Set([...hopByHopHeaders, 'expect']);
/** What most connections say of themselves, which names no header. */
const NAMES_NOTHING = new Set(['keep-alive', 'close']);

/** The headers that may travel on, without those that `keeps` says no to. */
export function headersToPass(
  headers: IncomingHttpHeaders,
  keeps: (name: string) => boolean = () => true,
): Record<string, string | string[]> {
  const named = namedBy(headers.connection);
  const passed: Record<string, string | string[]> = {};
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined && !HOP_BY_HOP.has(name) && !named?.has(name) && keeps(name)) passed[name] = value;
  }
  return passed;
}

function namedBy(connection: string | undefined): Set<string> | undefined {
  if (connection === undefined || NAMES_NOTHING.has(connection)) return undefined;
  return new Set(
    connection
      .toLowerCase()
      .split(',')
      .map((name) => name.trim()),
  );
}
