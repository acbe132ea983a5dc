/** Which request of whom: the same key means something else at another path or for another tenant. */
export interface RequestKey {
  tenant: string;
  key: string;
  method: string;
  path: string;
}

/** An answer as it went out. */
export interface StoredAnswer {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
}

/** What there is to do with a request that carries a key. */
export type Claim =
  /** It is the first: do it, then keep its answer or let go. */
  | { kind: 'ours'; claim: string }
  | { kind: 'answered'; answer: StoredAnswer }
  /** The first is still at it. */
  | { kind: 'busy' }
  /** The key was used for something else. */
  | { kind: 'reused' };

/** Remembers answers by Idempotency-Key for a day. */
export interface IdempotentAnswers {
  /** Claims the request, which `fingerprint` tells from others with the same key. A claim lapses when it is not extended. */
  claim(request: RequestKey, fingerprint: string): Promise<Claim>;
  /** Holds a claim for longer, because its request is still being worked on. */
  extend(request: RequestKey, claim: string): Promise<void>;
  keep(request: RequestKey, claim: string, answer: StoredAnswer): Promise<void>;
  /** Forgets the claim: the same request may be tried anew. */
  letGo(request: RequestKey, claim: string): Promise<void>;
}
