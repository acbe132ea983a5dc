import type { JobContext, JobHandler } from '@verifywise/plugin-types';

/** Handlers of the plugin's jobs by name. Schedules outlive the isolate; handlers are registered anew in every life. */
export class PluginJobs {
  readonly #handlers = new Map<string, JobHandler<never>>();

  set(name: string, handler: JobHandler<never>): void {
    this.#handlers.set(name, handler);
  }

  remove(name: string | null): void {
    if (name === null) this.#handlers.clear();
    else this.#handlers.delete(name);
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
}
