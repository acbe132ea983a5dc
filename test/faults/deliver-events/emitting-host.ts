import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

interface Settings {
  brokerUrl: string;
  databaseUrl: string;
  partitions: number;
  tenants: string[];
  everyMs: number;
}

/** A host that emits, in a process that may be killed. */
export class EmittingHost {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(settings: Settings): Promise<EmittingHost> {
    const child = fork(join(import.meta.dirname, 'host-process.ts'), [JSON.stringify(settings)], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      execArgv: [],
    });
    const [said] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as unknown[];
    if (said !== 'started') throw new Error('The host ended at its start');
    return new EmittingHost(child);
  }

  /** The next event of this tenant ends the process of whoever handles it. */
  poison(tenant: string): void {
    this.#child.send({ poison: tenant });
  }

  /** Emits nothing more; what was committed still goes out. */
  async stopEmitting(): Promise<void> {
    const stopped = once(this.#child, 'message');
    this.#child.send('stop');
    await stopped;
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }
}
