/** A lost message leaves nobody wrong for longer than these. */
const COMPARE_EVERY_SWEEPS = 2;
const FORGET_EVERY_MS = 10 * 60_000;

export interface Sweep {
  close(): void;
}

interface Rounds {
  everyMs: number;
  /** What the alarm clock missed: Redis away or flushed, a process killed. */
  due: () => void;
  /** What waits too long because the clock was set back. */
  setBack: () => void;
  /** Plugins that are not what was heard of them. */
  plugins: () => void;
  /** What is long over. */
  old: () => void;
}

/** Comes around for everything that nobody may have been told of. */
export function startSweep({ everyMs, due, setBack, plugins, old }: Rounds): Sweep {
  const timers = [
    ...[due, setBack].map((round) => setInterval(round, everyMs)),
    setInterval(plugins, COMPARE_EVERY_SWEEPS * everyMs),
    setInterval(old, FORGET_EVERY_MS),
  ];
  due();
  setBack();
  plugins();
  old();
  return {
    close() {
      for (const timer of timers) clearInterval(timer);
    },
  };
}
