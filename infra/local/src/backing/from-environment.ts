import { StartError } from '../start-error.ts';
import { amqpHandshake, postgresHandshake, redisHandshake } from './handshakes.ts';
import type { RunningService, ServiceName } from './running-service.ts';
import { untilReady } from './until-ready.ts';

/** A service that somebody else starts may still be on its way, as in CI. */
const ANSWERS_WITHIN_MS = 15_000;

export const variableOf: Record<ServiceName, string> = {
  rabbitmq: 'BROKER_URL',
  postgres: 'DATABASE_URL',
  redis: 'REDIS_URL',
};

export const handshakeOf: Record<ServiceName, (url: string) => Promise<void>> = {
  rabbitmq: amqpHandshake,
  postgres: postgresHandshake,
  redis: redisHandshake,
};

/** A service whose address was given; it is not ours to stop or restart. */
export async function serviceFromEnvironment(
  name: ServiceName,
  prefix: string,
  env: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<RunningService | undefined> {
  const variable = `${prefix}${variableOf[name]}`;
  const url = env[variable];
  if (url === undefined || url === '') return undefined;
  if (!URL.canParse(url)) throw new StartError(`${variable} is not a URL; correct it or leave it out`);
  await untilReady({
    what: `The service that ${variable} names`,
    within: ANSWERS_WITHIN_MS,
    probe: () => handshakeOf[name](url),
    signal,
  });
  const refuse = (): Promise<never> =>
    Promise.reject(new Error(`${variable} names a service that is not ours to restart`));
  return { url, how: 'environment', stop: () => Promise.resolve(), restart: refuse, kill: refuse };
}
