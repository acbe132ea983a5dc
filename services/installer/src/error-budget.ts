import type { Setting } from '@verifywise/service-kit';
import type { ErrorBudget } from './installation/error-budget.ts';

const SECONDS = { s: 1, m: 60, h: 3_600 } as const;
/** As long as failures are kept. */
const LONGEST_SECONDS = 7 * 24 * 3_600;
const MOST_FAILURES = 1_000;

/** The setting PLUGIN_ERROR_BUDGET: how many failures within which time disable a plugin, as `3/10m`. */
export function errorBudget(name: string, fallback: ErrorBudget): Setting<ErrorBudget> {
  return {
    read(env) {
      const raw = env[name]?.trim();
      if (raw === undefined || raw === '') return { ok: true, value: fallback };
      const parts = /^(\d{1,9})\s*\/\s*(\d{1,9})\s*([smh])$/.exec(raw);
      const failures = Number(parts?.[1]);
      const seconds = Number(parts?.[2]) * SECONDS[(parts?.[3] ?? 's') as keyof typeof SECONDS];
      const fits = failures >= 1 && failures <= MOST_FAILURES && seconds >= 1 && seconds <= LONGEST_SECONDS;
      if (parts && fits) return { ok: true, value: { failures, seconds } };
      const range = `from 1 to ${MOST_FAILURES} failures within at most ${LONGEST_SECONDS / 3_600} hours`;
      const problem = `${name} must be failures and a time in s, m or h, ${range}, not "${raw}"; for example ${name}=3/10m.`;
      return { ok: false, problem };
    },
  };
}
