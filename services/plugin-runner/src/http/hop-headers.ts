import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';

/** What concerns one connection only, and is never passed on (RFC 9110 §7.6.1). */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

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
