import type { Log } from '../log.ts';
import { startAgain } from './settle.ts';
import type { Transact } from './transaction.ts';

/** The shortest pause before a start is as long. */
const LOOK_EVERY_MS = 1_000;

interface Needs {
  due: () => Promise<{ tenant: string; pluginId: string }[]>;
  transact: Transact;
  log: Log;
}

/** Starts plugins again that have failed, each when its pause is over; whichever replica looks first does. */
export class DueStarts {
  readonly #needs: Needs;
  readonly #timer: NodeJS.Timeout;
  #looking: Promise<void> | undefined;

  constructor(needs: Needs) {
    this.#needs = needs;
    this.#timer = setInterval(() => {
      this.#looking ??= this.#look().finally(() => (this.#looking = undefined));
    }, LOOK_EVERY_MS);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  async #look(): Promise<void> {
    const { due, transact, log } = this.#needs;
    try {
      for (const { tenant, pluginId } of await due()) {
        await transact(async (tx) => {
          const record = await tx.lockInstallation(tenant, pluginId);
          const generation = await tx.takeDueStart(tenant, pluginId);
          // Under a newer generation its runner has started it already, or must not.
          if (record === null || record.generation !== generation || record.target !== null) return;
          if (record.desired === 'enabled') await startAgain(tx, record);
        });
      }
    } catch (error) {
      log.warn({ err: error }, 'Plugins that failed could not be started again yet; trying again');
    }
  }
}
