import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** What starts at all says so within this. */
const READY_DEADLINE_MS = 30_000;

export type BareProgram = 'loads' | 'echoes' | 'serves' | 'loops';

/** A forked Node process that does the least; serialized as the isolates' channels are. */
export class BareProcess {
  readonly child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.child = child;
  }

  /** Resolves with what the program says first; another bench's program is given by its file. */
  static async start(program: BareProgram | URL, ...args: string[]): Promise<{ process: BareProcess; said: unknown }> {
    const file = program instanceof URL ? program : join(import.meta.dirname, 'bare', `${program}.cjs`);
    const child = fork(file, args, {
      serialization: 'advanced',
      execArgv: [],
      env: { NODE_ENV: 'production' },
    });
    const bare = new BareProcess(child);
    try {
      const [said] = (await once(child, 'message', { signal: AbortSignal.timeout(READY_DEADLINE_MS) })) as [unknown];
      return { process: bare, said };
    } catch (error) {
      await bare.close();
      throw new Error(`The bare ${String(program)} did not start`, { cause: error });
    }
  }

  get pid(): number {
    return this.child.pid as number;
  }

  /** Resolves once it is gone, so that its end costs the next measurement nothing. */
  async close(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await gone;
  }
}
