import type { Log } from '@verifywise/broker';
import type { CurrentCatalogue } from './current-catalogue.ts';

/** Often enough that hardly anybody sees a catalogue past its time, rarely enough to cost nothing. */
const LOOK_EVERY_MS = 15_000;

/** Looks now and then whether a registry is due, also when nobody asks for the catalogue. */
export function keepFresh(catalogue: CurrentCatalogue, log: Log): { close(): void } {
  const look = (): void => {
    catalogue.get().catch((error: unknown) => log.warn({ err: error }, 'The catalogue could not be refreshed'));
  };
  look();
  const timer = setInterval(look, LOOK_EVERY_MS);
  return { close: () => clearInterval(timer) };
}
