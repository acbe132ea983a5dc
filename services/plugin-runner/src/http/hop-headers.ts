import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import { hopByHopHeaders } from '@verifywise/contracts';

const HOP_BY_HOP = new Set(hopByHopHeaders);

/** The headers that may travel on, without those in `except`. */
export function headersToPass(headers: IncomingHttpHeaders, except: readonly string[] = []): OutgoingHttpHeaders {
  const named = new Set(
    (headers.connection ?? '')
      .toLowerCase()
      .split(',')
      .map((name) => name.trim()),
  );
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name) && !named.has(name) && !except.includes(name)),
  );
}
