import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Command } from '../private-process.ts';
import { StartError } from '../start-error.ts';
import { findProgram, onPath } from './find-program.ts';
import { freePort } from './free-port.ts';
import { amqpHandshake } from './handshakes.ts';
import { startPrivateService, withOtherPortsWhenTaken } from './private-service.ts';
import type { ProgramOptions, RunningService } from './running-service.ts';

/** Six seconds on an idle machine; a busy one, or a broker that reads back its queues, takes longer. */
const READY_WITHIN_MS = 90_000;
const STOP_WITHIN_MS = 20_000;

/** The real program: the wrapper in /usr/sbin insists on the system's own user. */
export function findRabbitmq(env: NodeJS.ProcessEnv): string | undefined {
  return findProgram([
    '/usr/lib/rabbitmq/bin/rabbitmq-server',
    '/usr/lib/rabbitmq/lib/*/sbin/rabbitmq-server',
    '/usr/lib/rabbitmq/*/sbin/rabbitmq-server',
    '/opt/rabbitmq/sbin/rabbitmq-server',
    '/opt/homebrew/opt/rabbitmq/sbin/rabbitmq-server',
    '/usr/local/opt/rabbitmq/sbin/rabbitmq-server',
    ...onPath('rabbitmq-server', env).filter((file) => !file.startsWith('/usr/sbin/') && !file.startsWith('/sbin/')),
  ]);
}

export function findEpmd(env: NodeJS.ProcessEnv): string | undefined {
  return findProgram([...onPath('epmd', env), '/usr/lib/erlang/*/bin/epmd', '/usr/local/lib/erlang/*/bin/epmd']);
}

/** A broker of our own, with its own epmd, node name, cookie and data. */
export function startRabbitmq({ folder, persistent, env, revival, signal }: ProgramOptions): Promise<RunningService> {
  const server = findRabbitmq(env);
  const epmd = findEpmd(env);
  if (server === undefined || epmd === undefined) throw new StartError('RabbitMQ or its epmd is not installed');
  const home = join(folder.path, 'rabbitmq');
  prepareHome(home);
  return withOtherPortsWhenTaken(async () => {
    const ports = { amqp: await freePort(), epmd: await freePort(), distribution: await freePort() };
    const brokerEnv = environmentOf(home, ports, env);
    writeFileSync(join(home, 'rabbitmq.conf'), configurationOf(ports.amqp));
    writeControlScript(home, join(dirname(server), 'rabbitmqctl'), brokerEnv);
    const url = `amqp://guest:guest@127.0.0.1:${ports.amqp}`;
    return startPrivateService(
      {
        url,
        commands: [epmdCommand(epmd, home, ports.epmd, env), serverCommand(server, home, brokerEnv)],
        ready: () => amqpHandshake(url),
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

function prepareHome(home: string): void {
  for (const room of ['data', 'log', 'generated']) mkdirSync(join(home, room), { recursive: true });
  const cookie = join(home, '.erlang.cookie');
  // Erlang refuses a cookie that others may read, and ends at start.
  if (!existsSync(cookie)) writeFileSync(cookie, randomBytes(15).toString('hex'), { mode: 0o400 });
  chmodSync(cookie, 0o400);
  writeFileSync(join(home, 'enabled_plugins'), '[].\n');
}

function configurationOf(port: number): string {
  // The default limit stops every publisher on a machine whose disk is nearly full.
  return [`listeners.tcp.1 = 127.0.0.1:${port}`, 'disk_free_limit.absolute = 200MB', ''].join('\n');
}

function environmentOf(
  home: string,
  ports: { epmd: number; distribution: number },
  env: NodeJS.ProcessEnv,
): NodeJS.ProcessEnv {
  return {
    PATH: env['PATH'],
    LANG: 'C.UTF-8',
    HOME: home,
    ERL_EPMD_PORT: String(ports.epmd),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_NODENAME: 'verifywise@localhost',
    RABBITMQ_DIST_PORT: String(ports.distribution),
    RABBITMQ_MNESIA_BASE: join(home, 'data'),
    RABBITMQ_LOG_BASE: join(home, 'log'),
    RABBITMQ_LOGS: join(home, 'log', 'rabbitmq.log'),
    RABBITMQ_CONFIG_FILE: join(home, 'rabbitmq.conf'),
    RABBITMQ_ADVANCED_CONFIG_FILE: join(home, 'advanced.config'),
    // A file that does not exist, so that the machine's own is not read.
    RABBITMQ_CONF_ENV_FILE: join(home, 'no-rabbitmq-env.conf'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(home, 'enabled_plugins'),
    RABBITMQ_GENERATED_CONFIG_DIR: join(home, 'generated'),
    RABBITMQ_PID_FILE: join(home, 'pid'),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
    // With "input allowed" the start script becomes the server instead of staying its parent, so our signals reach it.
    RABBITMQ_ALLOW_INPUT: '1',
    RABBITMQ_SERVER_START_ARGS: '-noinput +B i',
  };
}

function serverCommand(program: string, home: string, env: NodeJS.ProcessEnv): Command {
  return { name: 'RabbitMQ', program, args: [], env, cwd: home, logFile: join(home, 'log', 'output.log') };
}

/** In the foreground and on a port of its own: no daemon is left behind, and no other Erlang is in the way. */
function epmdCommand(program: string, home: string, port: number, env: NodeJS.ProcessEnv): Command {
  return {
    name: "RabbitMQ's epmd",
    program,
    args: ['-port', String(port), '-address', '127.0.0.1'],
    env: { PATH: env['PATH'], HOME: home },
    cwd: home,
    logFile: join(home, 'log', 'epmd.log'),
  };
}

/** `<folder>/rabbitmq/ctl list_queues`: rabbitmqctl for this broker, for the person who looks into it. */
function writeControlScript(home: string, rabbitmqctl: string, env: NodeJS.ProcessEnv): void {
  const names = ['HOME', 'ERL_EPMD_PORT', 'ERL_EPMD_ADDRESS', 'RABBITMQ_NODENAME', 'RABBITMQ_CONF_ENV_FILE'];
  const settings = names.map((name) => `export ${name}='${env[name] ?? ''}'`);
  const script = ['#!/bin/sh', ...settings, `exec ${rabbitmqctl} "$@"`, ''].join('\n');
  writeFileSync(join(home, 'ctl'), script, { mode: 0o755 });
}
