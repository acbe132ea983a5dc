import { isDeepStrictEqual } from 'node:util';
import type { Changes } from '@verifywise/plugin-types';

/**
 * What an update changed, by field (S:17.4). Fields that one side lacks count as `undefined`; dates are compared by their
 * time and given as they are; an empty object means that nothing changed.
 */
export function computeChanges(before: Readonly<object>, after: Readonly<object>): Changes {
  const was = new Map<string, unknown>(Object.entries(before));
  const is = new Map<string, unknown>(Object.entries(after));
  const changes: Changes = {};
  for (const field of new Set([...was.keys(), ...is.keys()])) {
    if (isDeepStrictEqual(was.get(field), is.get(field))) continue;
    changes[field] = { before: was.get(field), after: is.get(field) };
  }
  return changes;
}
