const FORGET_EVERY_MS = 10 * 60_000;

export interface Sweep {
  close(): void;
}

/** Finds what was accepted and not delivered, and forgets what is long over. */
export function startSweep(everyMs: number, sendWaiting: () => void, forget: () => void): Sweep {
  const timers = [setInterval(sendWaiting, everyMs), setInterval(forget, FORGET_EVERY_MS)];
  sendWaiting();
  return {
    close() {
      for (const timer of timers) clearInterval(timer);
    },
  };
}
