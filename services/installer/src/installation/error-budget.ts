/** So many failures within so many seconds disable a plugin; fewer do not (contract §4). */
export interface ErrorBudget {
  failures: number;
  seconds: number;
}

/** The first failure disables. */
export const strictestBudget: ErrorBudget = { failures: 1, seconds: 60 };

/** What failed again at once would go on failing as fast as it starts, and nobody would be helped. */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/** How long a plugin waits before it is started again, after so many failures within the budget's time: not at all after the first. */
export function pauseBeforeStart(failures: number): number {
  if (failures <= 1) return 0;
  return Math.min(FIRST_PAUSE_MS * 2 ** (failures - 2), LONGEST_PAUSE_MS);
}
