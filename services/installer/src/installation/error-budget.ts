/** So many failures within so many seconds disable a plugin; fewer do not (contract §4). */
export interface ErrorBudget {
  failures: number;
  seconds: number;
}

/** The first failure disables. */
export const strictestBudget: ErrorBudget = { failures: 1, seconds: 60 };
