import type { ClaimedFolder } from '../claimed-folder.ts';
import type { RevivalOptions } from '../revival.ts';

export type ServiceName = 'rabbitmq' | 'postgres' | 'redis';
export type Way = 'environment' | 'docker' | 'programs';

/** One backing service that runs and can be reached. */
export interface RunningService {
  readonly url: string;
  readonly how: Way;
  stop(): Promise<void>;
  /** Ends it in order and starts it again at the same address, with its data. */
  restart(): Promise<void>;
  /** Ends it without a word, as a power cut would; `restart` brings it back. */
  kill(): Promise<void>;
}

export interface ProgramOptions {
  folder: ClaimedFolder;
  /** Data that survives a stop; otherwise speed before safety, and stopping is killing. */
  persistent: boolean;
  env: NodeJS.ProcessEnv;
  /** What dies unasked is started again at the same address, with its data. */
  revival?: Pick<RevivalOptions, 'log' | 'onGivenUp'> | undefined;
  signal?: AbortSignal | undefined;
}
