import type { Keeping } from './keep-trying.ts';
import { keepTrying } from './keep-trying.ts';
import type { EventRetry } from './event-retries.ts';
import type { HostedPlugin } from './hosted-plugin.ts';
import type { ParkedEvent, ParkedEvents, Tenure, UnparkedEvent } from './parked-events.ts';

interface Parts extends Keeping {
  parked: ParkedEvents;
  tenure: () => Tenure;
}

/**
 * The parked events of one lane. While the database is away everything asked here waits for it; null when the plugin has left this
 * runner before that.
 */
export class LaneStore {
  readonly #plugin: Pick<HostedPlugin, 'gone' | 'tenant' | 'pluginId'>;
  readonly #parts: Parts;

  constructor(plugin: Pick<HostedPlugin, 'gone' | 'tenant' | 'pluginId'>, parts: Parts) {
    this.#plugin = plugin;
    this.#parts = parts;
  }

  /** Null also when this runner does not hold the partition any more. */
  add(events: UnparkedEvent[]): Promise<Map<string, number> | null> {
    return this.#ask(() => this.#parts.parked.add(this.#plugin, events, this.#parts.tenure()));
  }

  after(position: number, atMost: number): Promise<ParkedEvent[] | null> {
    return this.#ask(() => this.#parts.parked.after(this.#plugin, position, atMost));
  }

  async remove(positions: number[]): Promise<void> {
    await this.#ask(() => this.#parts.parked.remove(this.#plugin, positions));
  }

  async keepRetry(position: number, retry: EventRetry | undefined): Promise<void> {
    await this.#ask(() => this.#parts.parked.keepRetry(this.#plugin, position, retry));
  }

  async withRetry(): Promise<ParkedEvent[]> {
    return (await this.#ask(() => this.#parts.parked.withRetry(this.#plugin))) ?? [];
  }

  async removeAll(): Promise<void> {
    await this.#ask(() => this.#parts.parked.removeAll(this.#plugin));
  }

  async #ask<Answer>(ask: () => Promise<Answer>): Promise<Answer | null> {
    let answer: Answer | null = null;
    const asked = async () => {
      answer = await ask();
    };
    await keepTrying(this.#plugin, 'What waits for it', asked, this.#parts);
    return answer;
  }
}
