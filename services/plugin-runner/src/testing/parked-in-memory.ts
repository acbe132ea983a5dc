import type { LaneStore } from '../hosting/lane-store.ts';
import type { ParkedEvent, UnparkedEvent } from '../hosting/parked-events.ts';

/** The parked events of one lane, for tests of what the lane makes of them; `held` holds back every answer until it is let go. */
export class ParkedInMemory implements Pick<LaneStore, keyof LaneStore> {
  kept: ParkedEvent[] = [];
  /** Another runner holds the partition. */
  refuses = false;
  #places = 0;
  #held: Promise<void> = Promise.resolve();

  get ids(): string[] {
    return this.kept.map(({ envelope }) => envelope.id);
  }

  hold(): () => void {
    let letGo: () => void = () => undefined;
    this.#held = new Promise((resolve) => (letGo = resolve));
    return letGo;
  }

  async add(events: UnparkedEvent[]): Promise<Map<string, number> | null> {
    await this.#held;
    if (this.refuses) return null;
    const places = new Map<string, number>();
    for (const { envelope, retry } of events) {
      if (this.ids.includes(envelope.id)) continue;
      this.#places += 1;
      this.kept.push({ envelope, retry, position: this.#places });
      places.set(envelope.id, this.#places);
    }
    return places;
  }

  async after(position: number, atMost: number): Promise<ParkedEvent[]> {
    await this.#held;
    return this.kept.filter((event) => event.position > position).slice(0, atMost);
  }

  async remove(positions: number[]): Promise<void> {
    await this.#held;
    this.kept = this.kept.filter(({ position }) => !positions.includes(position));
  }

  async keepRetry(position: number, retry: ParkedEvent['retry']): Promise<void> {
    await this.#held;
    this.kept = this.kept.map((event) => (event.position === position ? { ...event, retry } : event));
  }

  async withRetry(): Promise<ParkedEvent[]> {
    await this.#held;
    return this.kept.filter(({ retry }) => retry !== undefined);
  }

  async removeAll(): Promise<void> {
    await this.#held;
    this.kept = [];
  }
}
