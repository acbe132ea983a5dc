/** Fires that are over are kept this long for admins to look at. */
const KEPT_DAYS = 7;
const FORGET_EVERY_MS = 10 * 60_000;

export interface Sweep {
  close(): void;
}

/** Finds what the alarm clock missed (Redis away, flushed, a process killed), and forgets what is long over. */
export function startSweep(everyMs: number, fireDue: () => void, forget: (days: number) => void): Sweep {
  const timers = [setInterval(fireDue, everyMs), setInterval(() => forget(KEPT_DAYS), FORGET_EVERY_MS)];
  fireDue();
  return {
    close() {
      for (const timer of timers) clearInterval(timer);
    },
  };
}
