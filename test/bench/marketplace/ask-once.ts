/** A request on a connection of its own: the server may close one that was idle just as it is used again, and then "fetch failed". */
export function askOnce(url: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, { headers: { ...headers, connection: 'close' } });
}
