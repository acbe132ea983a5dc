import type { ServiceName } from './running-service.ts';

/** The same variables and public images as docker-compose.yml. */
const images: Record<ServiceName, { variable: string; image: string }> = {
  rabbitmq: { variable: 'RABBITMQ_IMAGE', image: 'rabbitmq:4.2' },
  postgres: { variable: 'POSTGRES_IMAGE', image: 'postgres:17' },
  redis: { variable: 'REDIS_IMAGE', image: 'valkey/valkey:8' },
};

export function imageOf(name: ServiceName, env: NodeJS.ProcessEnv): string {
  const { variable, image } = images[name];
  return env[variable] ?? image;
}
