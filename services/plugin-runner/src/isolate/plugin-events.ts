import type { EventHandler, PluginContext } from '@verifywise/plugin-types';
import type { WireError } from './protocol.ts';
import { wireError } from './protocol.ts';

type Handler = EventHandler<never>;

/** Which of the plugin's handlers hears which event. */
export class PluginEvents {
  readonly #handlers = new Map<string, Set<Handler>>();
  #changed: () => void = () => undefined;

  /** Calls `changed` whenever the set of heard events grows or shrinks. */
  whenChanged(changed: () => void): void {
    this.#changed = changed;
  }

  add(event: string, handler: Handler): void {
    const handlers = this.#handlers.get(event);
    if (handlers) {
      handlers.add(handler);
      return;
    }
    this.#handlers.set(event, new Set([handler]));
    this.#changed();
  }

  remove(event: string, handler: Handler): void {
    const handlers = this.#handlers.get(event);
    if (!handlers?.delete(handler) || handlers.size > 0) return;
    this.#handlers.delete(event);
    this.#changed();
  }

  clear(): void {
    this.#handlers.clear();
  }

  names(): string[] {
    return [...this.#handlers.keys()].sort();
  }

  /** Calls every handler of the event, one after the other; one that throws does not keep the next from it. */
  async deliver(event: string, payload: Record<string, unknown>, context: PluginContext): Promise<WireError[]> {
    const errors: WireError[] = [];
    for (const handler of [...(this.#handlers.get(event) ?? [])]) {
      try {
        await handler(payload as never, context);
      } catch (error) {
        errors.push(wireError(error));
      }
    }
    return errors;
  }
}
