import { hopByHopHeaders } from '@verifywise/contracts';

type Headers = Record<string, string | string[]>;

/** They speak about one connection, and the plugin sits behind another; `Expect` is answered before the body is read. */
const HOP_BY_HOP = new Set([...hopByHopHeaders, 'expect']);

/** Inside the platform these would say who somebody is; from outside they are claims of a stranger. */
const IDENTITY = /^x-(tenant|user|role|plugin|service|verifywise)(-|$)/;

/** The headers as the plugin gets them, from Node's flat list of names and values; a name sent twice has a list. */
export function headersForPlugin(raw: readonly string[]): Headers {
  const headers: Headers = {};
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = (raw[at] ?? '').toLowerCase();
    const value = raw[at + 1] ?? '';
    const before = headers[name];
    headers[name] = before === undefined ? value : [...[before].flat(), value];
  }
  const named = [headers.connection ?? []].flat().flatMap((value) => value.toLowerCase().split(/\s*,\s*/));
  const kept = Object.entries(headers).filter(
    ([name]) => passes(name) && !named.includes(name) && !IDENTITY.test(name),
  );
  return Object.fromEntries(kept);
}

/** The headers of a plugin's answer as the sender gets them. */
export function headersForSender(headers: Headers): Headers {
  // The length is that of the body we send; the request id stays the one our logs know.
  const ours = ['content-length', 'x-request-id'];
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => passes(name) && !ours.includes(name.toLowerCase())),
  );
}

function passes(name: string): boolean {
  return !HOP_BY_HOP.has(name.toLowerCase());
}

const SECRET = /authorization|cookie|token|secret|signature|api-?key|password/;

/** The headers as an admin sees them: what proves the sender is not shown. */
export function maskedHeaders(headers: Headers): Headers {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, SECRET.test(name) ? '••••••••' : value]),
  );
}
