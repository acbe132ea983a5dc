import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { StartError } from '../start-error.ts';
import { findPostgres, startPostgres } from './postgres.ts';
import { findEpmd, findRabbitmq, startRabbitmq } from './rabbitmq.ts';
import { findRedis, startRedis } from './redis.ts';
import { runCommand } from './run-command.ts';
import type { ProgramOptions, RunningService, ServiceName } from './running-service.ts';

/** Debian's mirrors are at times slow; 40 s is usual. */
const APT_WITHIN_MS = 600_000;
const POLICY = '/usr/sbin/policy-rc.d';

interface Program {
  label: string;
  aptPackage: string;
  isInstalled: (env: NodeJS.ProcessEnv) => boolean;
  start: (options: ProgramOptions) => Promise<RunningService>;
}

const programs: Record<ServiceName, Program> = {
  rabbitmq: {
    label: 'RabbitMQ',
    aptPackage: 'rabbitmq-server',
    isInstalled: (env) => findRabbitmq(env) !== undefined && findEpmd(env) !== undefined,
    start: startRabbitmq,
  },
  postgres: {
    label: 'PostgreSQL',
    aptPackage: 'postgresql',
    isInstalled: (env) => findPostgres(env) !== undefined,
    start: startPostgres,
  },
  redis: {
    label: 'Redis',
    aptPackage: 'redis-server',
    isInstalled: (env) => findRedis(env) !== undefined,
    start: startRedis,
  },
};

/** Starts a program of this machine as our own child. */
export function startProgram(name: ServiceName, options: ProgramOptions): Promise<RunningService> {
  return programs[name].start(options);
}

/** Installs what is missing where we may; otherwise throws one sentence that says what to install. */
export async function ensureInstalled(
  names: ServiceName[],
  env: NodeJS.ProcessEnv,
  log: (line: string) => void,
): Promise<void> {
  const missing = names.map((name) => programs[name]).filter((program) => !program.isInstalled(env));
  if (missing.length === 0) return;
  const labels = missing.map((program) => program.label).join(', ');
  const packages = missing.map((program) => program.aptPackage);
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    throw new StartError(
      `${labels} missing: start Docker, install ${packages.join(', ')}, or set BROKER_URL, DATABASE_URL and REDIS_URL`,
    );
  }
  log(`Installing ${packages.join(', ')} with apt-get (about a minute, once)`);
  const complaint = await installPackages(packages, env);
  const stillMissing = missing.filter((program) => !program.isInstalled(env));
  if (stillMissing.length > 0) {
    throw new StartError(`apt-get could not install ${packages.join(', ')} (${complaint}); install them by hand`);
  }
}

/** Installs Debian packages without starting their services; returns what apt complained about last. */
export async function installPackages(packages: string[], env: NodeJS.ProcessEnv): Promise<string> {
  // Debian asks this file whether a package may start its service; ours are private children instead.
  const ownPolicy = !existsSync(POLICY);
  if (ownPolicy) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  const aptGet = (...args: string[]): ReturnType<typeof runCommand> =>
    runCommand('apt-get', ['-q', '-o', 'DPkg::Lock::Timeout=120', ...args], {
      within: APT_WITHIN_MS,
      env: { ...env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' },
    });
  try {
    await aptGet('update');
    return (await aptGet('install', '-y', '--no-install-recommends', ...packages)).complaint;
  } finally {
    if (ownPolicy) rmSync(POLICY, { force: true });
  }
}
