import type { HostRequest, HostResponse } from '@verifywise/contracts';
import { hopByHopHeaders } from '@verifywise/contracts';

type Headers = HostRequest['headers'];

/** The caller's credentials are the platform's, not the plugin's. */
const WITHHELD = new Set(['authorization', 'cookie']);
/** How an answer travels is for whoever sends it: a changed body has another length. */
const FRAMING = new Set([...hopByHopHeaders, 'content-length']);

/** The request's headers as plugins see them. */
export function headersForPlugins(headers: Headers): Headers {
  return filtered(headers, (name) => !WITHHELD.has(name));
}

/** What plugins have made of the headers, with what they did not see as it was. */
export function headersForHost(changed: Headers, original: Headers): Headers {
  return { ...headersForPlugins(changed), ...filtered(original, (name) => WITHHELD.has(name)) };
}

/** The answer without the headers that are not the plugins' to say. */
export function withoutFraming(response: HostResponse): HostResponse {
  return { ...response, headers: filtered(response.headers, (name) => !FRAMING.has(name)) };
}

function filtered(headers: Headers, keep: (name: string) => boolean): Headers {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => keep(name.toLowerCase())));
}
