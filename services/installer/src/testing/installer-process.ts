import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect } from '@jest/globals';
import { freePort } from '../../../../infra/local/src/backing/free-port.ts';
import { eventually } from '../../../../test/support/eventually.ts';
import type { RunningInstaller } from './installer-room.ts';

const PROGRAM = fileURLToPath(new URL('../main.ts', import.meta.url));
/** Starting takes a second or two where nothing else happens. */
const STARTED_WITHIN = 60_000;

export interface InstallerProcess extends RunningInstaller {
  /** Takes it away from one moment to the next. */
  kill(): Promise<void>;
}

/** The installer as a process of its own, ready to be asked. */
export async function startInstallerProcess(settings: Record<string, string>): Promise<InstallerProcess> {
  const port = await freePort();
  const child = spawn(process.execPath, [PROGRAM], {
    env: { PATH: process.env.PATH, ...settings, PORT: String(port), LOG_LEVEL: 'fatal' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = once(child, 'exit');
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await ended;
  };
  const url = `http://127.0.0.1:${port}`;
  await eventually(
    async () => {
      expect(child.exitCode).toBeNull();
      expect((await fetch(`${url}/readyz`)).status).toBe(200);
    },
    { within: STARTED_WITHIN },
  );
  return { url, kill: () => end('SIGKILL'), stop: () => end('SIGTERM') };
}
