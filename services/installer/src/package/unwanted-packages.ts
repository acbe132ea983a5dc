import type { Log } from '../log.ts';
import type { PackageStore } from '../store/package-store.ts';

/** Packages are kept for days, so nobody waits for the hour. */
const LOOK_EVERY_MS = 3_600_000;

interface Needs {
  packages: Pick<PackageStore, 'forgetUnwanted'>;
  keptDays: number;
  log: Log;
}

/** Removes packages that no tenant has and nobody has asked for in so many days: refused uploads, and versions that everybody has left. */
export class UnwantedPackages {
  readonly #needs: Needs;
  readonly #timer: NodeJS.Timeout;
  #looking: Promise<void>;

  constructor(needs: Needs) {
    this.#needs = needs;
    this.#looking = this.#look();
    this.#timer = setInterval(() => {
      this.#looking = this.#look();
    }, LOOK_EVERY_MS);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  async #look(): Promise<void> {
    const { packages, keptDays, log } = this.#needs;
    try {
      const forgotten = await packages.forgetUnwanted(keptDays);
      if (forgotten > 0) log.info({ forgotten }, 'Packages that nobody wants any more were removed');
    } catch (error) {
      log.warn({ err: error }, 'Packages that nobody wants any more could not be looked for; trying again');
    }
  }
}
