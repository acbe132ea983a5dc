/** How often an isolate is asked to prove that its event loop turns. */
const PING_EVERY_MS = 1_000;
/** How often is looked whether it did: four times a ping, so that a hang is noticed soon after its limit. */
const LOOK_EVERY_MS = 250;

export interface Pulse {
  /** Resolves when the isolate has answered. */
  ping: () => Promise<unknown>;
  /** The event loop of the isolate was busy for longer than the limit. */
  hangs: () => void;
}

/** Watches that an isolate's event loop turns; answers the end of the watch. */
export function watchPulse({ ping, hangs }: Pulse, hangLimitMs: number): () => void {
  let askedAt: number | undefined;
  let answeredAt = performance.now();
  let lookedAt = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    const late = now - lookedAt > 2 * LOOK_EVERY_MS;
    lookedAt = now;
    // A runner that was itself held up has the answer still unread before it: that is not the isolate's fault.
    if (late) return;
    if (askedAt !== undefined) {
      if (now - askedAt > hangLimitMs) hangs();
      return;
    }
    if (now - answeredAt < PING_EVERY_MS) return;
    askedAt = now;
    const answered = () => {
      askedAt = undefined;
      answeredAt = performance.now();
    };
    ping().then(answered, answered);
  }, LOOK_EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}
