/** npm and the terminal both send one Ctrl-C to us, so only a later one is a second one. */
const SECOND_AFTER_MS = 2_000;
const INTERRUPTED_EXIT_CODE = 130;

export interface Interruption {
  readonly signal: AbortSignal;
  /** Resolves when somebody wants us to stop. */
  readonly wanted: Promise<void>;
}

/** Turns SIGINT, SIGTERM and SIGHUP into one wish to stop; a second Ctrl-C does not wait for it to be fulfilled. */
export function interruption(): Interruption {
  const controller = new AbortController();
  const wanted = new Promise<void>((resolve) => controller.signal.addEventListener('abort', () => resolve()));
  let firstAt: number | undefined;
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (firstAt !== undefined && Date.now() - firstAt > SECOND_AFTER_MS) process.exit(INTERRUPTED_EXIT_CODE);
      firstAt ??= Date.now();
      controller.abort();
    });
  }
  return { signal: controller.signal, wanted };
}
