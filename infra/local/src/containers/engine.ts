import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, onPath } from '../backing/find-program.ts';
import { installPackages } from '../backing/programs.ts';
import { untilReady } from '../backing/until-ready.ts';
import { startPrivateProcess } from '../private-process.ts';
import { StartError } from '../start-error.ts';
import type { Commands } from './commands.ts';

const ANSWERS_WITHIN_MS = 10_000;
const STARTED_WITHIN_MS = 60_000;
/** It stops containers that still run first. */
const STOPPED_WITHIN_MS = 60_000;

export interface Engine {
  /** Everything that talks to this engine, also what the commands start. */
  readonly commands: Commands;
  /** `docker compose` or `docker-compose`, whichever the machine has. */
  readonly compose: string[];
  readonly description: string;
  /** Started by us, so nobody else has containers in it. */
  readonly isOurs: boolean;
  stop(): Promise<void>;
}

/** The engine that answers, or else one of our own with its socket in `folder`. On a Debian machine as root, what is missing is installed. */
export async function useEngine(commands: Commands, folder: string): Promise<Engine> {
  await ensureProgram('docker', ['docker.io', 'docker-cli'], commands);
  const compose = await ensureCompose(commands);
  if (await commands.succeeds('docker', ['version'], { within: ANSWERS_WITHIN_MS })) {
    const description = `Docker ${await versionOf(commands)}, which was running`;
    return { commands, compose, description, isOurs: false, stop: () => Promise.resolve() };
  }
  const { commands: own, stop } = await startEngine(commands, folder);
  return {
    commands: own,
    compose,
    description: `Docker ${await versionOf(own)}, started for this`,
    isOurs: true,
    stop,
  };
}

async function startEngine(commands: Commands, folder: string): Promise<Pick<Engine, 'commands' | 'stop'>> {
  if (process.getuid?.() !== 0) {
    throw new StartError('No Docker engine answers, and only root can start one: start Docker and try again');
  }
  const program = await ensureProgram('dockerd', ['docker.io', 'iptables'], commands);
  // A socket of its own, so that nobody else on this machine takes an engine for granted that is gone in a minute.
  const address = `unix://${join(folder, 'docker.sock')}`;
  const own = commands.withEnvironment({ DOCKER_HOST: address });
  const dockerd = await startPrivateProcess({
    name: 'dockerd',
    program,
    args: ['--host', address, '--pidfile', join(folder, 'dockerd.pid')],
    env: commands.env,
    logFile: join(folder, 'dockerd.log'),
    deathSignal: 'TERM',
  });
  const stop = (): Promise<void> => dockerd.stop('SIGTERM', STOPPED_WITHIN_MS);
  try {
    await untilReady({
      what: 'dockerd',
      within: STARTED_WITHIN_MS,
      probe: () => own.run('docker', ['version'], { within: ANSWERS_WITHIN_MS }),
      ended: dockerd.exited.then(() => dockerd.reason()),
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return { commands: own, stop };
}

async function ensureCompose(commands: Commands): Promise<string[]> {
  const found = await findCompose(commands);
  if (found !== undefined) return found;
  await installForRoot(['docker-compose'], commands);
  const installed = await findCompose(commands);
  if (installed === undefined) throw new StartError('Neither `docker compose` nor `docker-compose` works: install one');
  return installed;
}

async function findCompose(commands: Commands): Promise<string[] | undefined> {
  const within = ANSWERS_WITHIN_MS;
  if (await commands.succeeds('docker', ['compose', 'version'], { within })) return ['docker', 'compose'];
  if (await commands.succeeds('docker-compose', ['version'], { within })) return ['docker-compose'];
  return undefined;
}

/** Where a program is; `packages` are those that may bring it, and not every release of Debian has all of them. */
export async function ensureProgram(name: string, packages: string[], commands: Commands): Promise<string> {
  const find = (): string | undefined => findProgram(onPath(name, commands.env));
  const found = find();
  if (found !== undefined) return found;
  await installForRoot(packages, commands);
  const installed = find();
  if (installed === undefined) throw new StartError(`${name} is missing: install ${packages.join(' or ')}`);
  return installed;
}

async function installForRoot(packages: string[], commands: Commands): Promise<void> {
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return;
  for (const name of packages) await installPackages([name], commands.env);
}

async function versionOf(commands: Commands): Promise<string> {
  const version = await commands.run('docker', ['version', '--format', '{{.Server.Version}}'], {
    within: ANSWERS_WITHIN_MS,
  });
  return version.trim();
}
