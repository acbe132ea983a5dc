/**
 * Calls of one kind wait for each other, in the isolate and in its runner, and for no others: what waits for something that another
 * call ends must not keep that one waiting.
 */
export function kindOfCall(call: string, request: unknown): string {
  const [kind = ''] = call.split('.');
  if (kind !== 'db') return kind;
  const transaction: unknown = call === 'db.query' && Array.isArray(request) ? request[2] : undefined;
  return call === 'db.begin' || (call === 'db.query' && transaction == null) ? 'db' : 'transaction';
}

/**
 * Whether calls of this kind wait at all. A filter's handlers ask in their turn, and a statement may wait for another transaction to
 * end: both have limits of their own where they are done.
 */
export function waitsItsTurn(kind: string): boolean {
  return kind !== 'filters' && kind !== 'transaction';
}
