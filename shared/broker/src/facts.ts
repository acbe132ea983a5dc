import type { Fact } from '@verifywise/contracts';
import type { About } from './broker.ts';

/** What a service does with one fact; made by `hearing`. */
export interface FactHandler {
  readonly name: string;
  readonly hear: (payload: unknown, about: About) => Promise<void>;
}

/** Pairs a fact with its handler. Resolving settles the fact; throwing has it tried again. */
export function hearing<P>(fact: Fact<P>, handler: (payload: P, about: About) => Promise<void>): FactHandler {
  // The name of a fact stands for its type on both sides of the wire.
  return { name: fact.name, hear: (payload, about) => handler(payload as P, about) };
}
