import type { Activity, PluginContext } from '@verifywise/plugin-types';

const ACTIVITY = 'activity';
const PREFIX = 'at:';

/**
 * The recorded activities, each under a key of its own made from its time and event. So a redelivered event overwrites itself,
 * two handlers never undo each other's writing, and the order of keys is the order of events.
 */
export class Feed {
  readonly #context: PluginContext;

  constructor(context: PluginContext) {
    this.#context = context;
  }

  async record(activity: Activity): Promise<void> {
    await this.#context.metadata.set(ACTIVITY, 0, keyOf(activity), activity);
    await this.#forgetOldest();
  }

  /** Newest first. */
  async activities(): Promise<Activity[]> {
    const entries = await this.#entries();
    return entries.reverse().map(({ value }) => value);
  }

  async #forgetOldest(): Promise<void> {
    const entries = await this.#entries();
    const limit = this.#context.config.get('limit', 50);
    for (const { key } of entries.slice(0, Math.max(0, entries.length - limit))) {
      await this.#context.metadata.delete(ACTIVITY, 0, key);
    }
  }

  async #entries() {
    const entries = await this.#context.metadata.findByKeyPrefix<Activity>(ACTIVITY, PREFIX);
    return entries.sort((a, b) => (a.key < b.key ? -1 : 1));
  }
}

/** ISO times of four-digit years sort as text. */
function keyOf({ timestamp, id }: Activity): string {
  return `${PREFIX}${timestamp}:${id}`;
}
