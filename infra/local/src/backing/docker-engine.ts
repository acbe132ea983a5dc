import { StartError } from '../start-error.ts';
import { findProgram, onPath } from './find-program.ts';
import { runCommand } from './run-command.ts';

const ENGINE_ANSWERS_WITHIN_MS = 10_000;
const PULLED_WITHIN_MS = 600_000;

/** Whether a Docker engine can be used from here. */
export async function hasDockerEngine(env: NodeJS.ProcessEnv): Promise<boolean> {
  if (findProgram(onPath('docker', env)) === undefined) return false;
  return (await runCommand('docker', ['info'], { within: ENGINE_ANSWERS_WITHIN_MS, env })).ok;
}

/** Makes sure the engine has the image; a StartError says why it cannot be had. */
export async function ensureImage(image: string, env: NodeJS.ProcessEnv): Promise<void> {
  const known = await runCommand('docker', ['image', 'inspect', image], { within: ENGINE_ANSWERS_WITHIN_MS, env });
  if (known.ok) return;
  const pulled = await runCommand('docker', ['pull', '--quiet', image], { within: PULLED_WITHIN_MS, env });
  if (!pulled.ok) throw new StartError(`the image ${image} cannot be had: ${pulled.complaint}`);
}

/** Ends a container as a power cut would; it stays, so that it can be started again with what it had written. */
export async function killContainer(id: string, env: NodeJS.ProcessEnv): Promise<void> {
  const killed = await runCommand('docker', ['kill', id], { within: ENGINE_ANSWERS_WITHIN_MS, env });
  if (!killed.ok) throw new StartError(`the container ${id} could not be killed: ${killed.complaint}`);
}
