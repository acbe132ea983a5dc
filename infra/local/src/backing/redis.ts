import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { StartError } from '../start-error.ts';
import { findProgram, onPath } from './find-program.ts';
import { freePort } from './free-port.ts';
import { redisHandshake } from './handshakes.ts';
import { startPrivateService, withOtherPortsWhenTaken } from './private-service.ts';
import type { ProgramOptions, RunningService } from './running-service.ts';

const READY_WITHIN_MS = 20_000;
const STOP_WITHIN_MS = 10_000;

/** Valkey is the same server under another name. */
export function findRedis(env: NodeJS.ProcessEnv): string | undefined {
  return findProgram([...onPath('redis-server', env), ...onPath('valkey-server', env)]);
}

export function startRedis({ folder, persistent, env, revival, signal }: ProgramOptions): Promise<RunningService> {
  const program = findRedis(env);
  if (program === undefined) throw new StartError('Redis is not installed');
  const home = join(folder.path, 'redis');
  mkdirSync(home, { recursive: true });
  const persistence = persistent ? ['--appendonly', 'yes'] : ['--save', '', '--appendonly', 'no'];
  return withOtherPortsWhenTaken(async () => {
    const port = await freePort();
    const url = `redis://127.0.0.1:${port}`;
    const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', home, '--daemonize', 'no'];
    return startPrivateService(
      {
        url,
        commands: [
          {
            name: 'Redis',
            program,
            args: [...args, '--maxmemory-policy', 'noeviction', ...persistence],
            env: { PATH: env['PATH'], HOME: home },
            cwd: home,
            logFile: join(home, 'redis.log'),
          },
        ],
        ready: () => redisHandshake(url),
        readyWithin: READY_WITHIN_MS,
        stopSignal: persistent ? 'SIGTERM' : 'SIGKILL',
        stopWithin: STOP_WITHIN_MS,
        revival,
        signal,
      },
      folder,
    );
  });
}
