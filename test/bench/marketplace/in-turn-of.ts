import type { Target } from '../isolates/keep-alive-client.ts';

/** One target after the other, and again from the first. */
export function inTurnOf(targets: readonly Target[]): () => Target {
  let at = 0;
  return () => {
    at += 1;
    return targets[at % targets.length] as Target;
  };
}
