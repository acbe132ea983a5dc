import type { Log } from '@verifywise/broker';
import type { AnnounceUpdates } from '../updates/announce-updates.ts';
import type { CurrentCatalogue } from './current-catalogue.ts';

/** Often enough that tenants are told soon and hardly anybody sees a catalogue past its time, for two small statements. */
const LOOK_EVERY_MS = 2_000;

interface Needs {
  current: CurrentCatalogue;
  updates: Pick<AnnounceUpdates, 'sweep'>;
  log: Log;
}

/** Looks now and then whether a registry is due or a tenant is to be told of an update, also when nobody asks for the catalogue. */
export function keepFresh({ current, updates, log }: Needs): { close(): void } {
  const look = async (): Promise<void> => {
    await current.get().catch((error: unknown) => log.warn({ err: error }, 'The catalogue could not be refreshed'));
    await updates.sweep();
  };
  void look();
  const timer = setInterval(() => void look(), LOOK_EVERY_MS);
  return { close: () => clearInterval(timer) };
}
