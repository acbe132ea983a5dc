import { PlatformError } from '@verifywise/contracts';
import type { JobContext, JobHandler } from '@verifywise/plugin-types';

/** Handlers of the plugin's jobs by name. Schedules outlive the isolate; handlers are registered anew in every life. */
export class PluginJobs {
  readonly #handlers = new Map<string, JobHandler<never>>();
  #changed: () => void = () => undefined;

  /** Calls `changed` whenever there is a job more or less. */
  whenChanged(changed: () => void): void {
    this.#changed = changed;
  }

  /**
   * Has the handler while `schedule` asks for it, since a job due at once must find it. When that fails, the handler there was before is
   * back; where there was none the new one stays, because the schedule may be there from an earlier life.
   */
  async during<Answer>(name: string, handler: JobHandler<never>, schedule: () => Promise<Answer>): Promise<Answer> {
    if (typeof handler !== 'function')
      throw new PlatformError('SCHEDULE_INVALID', `The job "${name}" was not scheduled: its handler is not a function`);
    const before = this.#handlers.get(name);
    this.#set(name, handler);
    try {
      return await schedule();
    } catch (error) {
      // Unless the plugin has decided anew meanwhile.
      if (before && this.#handlers.get(name) === handler) this.#set(name, before);
      throw error;
    }
  }

  remove(name: string | null): void {
    if (name !== null) {
      this.#set(name, undefined);
      return;
    }
    if (this.#handlers.size === 0) return;
    this.#handlers.clear();
    this.#changed();
  }

  names(): string[] {
    return [...this.#handlers.keys()].sort();
  }

  async run(name: string, data: unknown, job: JobContext): Promise<'done' | 'no-handler'> {
    const handler = this.#handlers.get(name);
    if (!handler) return 'no-handler';
    await handler(data as never, job);
    return 'done';
  }

  #set(name: string, handler: JobHandler<never> | undefined): void {
    const had = this.#handlers.has(name);
    if (handler) this.#handlers.set(name, handler);
    else this.#handlers.delete(name);
    if (had !== this.#handlers.has(name)) this.#changed();
  }
}
