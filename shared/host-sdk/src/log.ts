import type { Log } from '@verifywise/broker';

export type { Log };

/** For a host that passes no logger: what needs somebody's eyes goes to stderr, the rest nowhere. */
export const quietLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: (...parts: unknown[]) => console.warn('[plugin-host]', ...parts),
  error: (...parts: unknown[]) => console.error('[plugin-host]', ...parts),
};
