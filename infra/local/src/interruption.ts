import { StartError, reasonOf } from './start-error.ts';

/** npm and the terminal both send one Ctrl-C to us, so only a later one is a second one. */
const SECOND_AFTER_MS = 2_000;
const INTERRUPTED_EXIT_CODE = 130;

/** Somebody wanted us to stop before the work was done. */
export class Interrupted extends StartError {
  constructor() {
    super('Interrupted');
  }
}

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

/** Says why a command did not do its work, and chooses the exit code: an interruption is no failure. */
export function reportEnd(error: unknown, what = ''): void {
  const interrupted = error instanceof Interrupted;
  console.error(interrupted ? error.message : `${what}${reasonOf(error)}`);
  process.exitCode = interrupted ? INTERRUPTED_EXIT_CODE : 1;
}

/** What the promise gives; after an interruption its failure is that interruption. */
export async function orInterrupted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    throw signal.aborted ? new Interrupted() : error;
  }
}
