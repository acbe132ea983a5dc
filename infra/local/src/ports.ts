import { freePort, isPortFree } from './backing/free-port.ts';
import { StartError } from './start-error.ts';

/** Every process that listens, with the port people know it by and the variable that changes it. */
const listeners = {
  'demo-platform': { port: 4000, variable: 'DEMO_PLATFORM_PORT' },
  'registry-cache': { port: 4001, variable: 'REGISTRY_CACHE_PORT' },
  installer: { port: 4002, variable: 'INSTALLER_PORT' },
  'plugin-runner': { port: 4003, variable: 'PLUGIN_RUNNER_PORT' },
  scheduler: { port: 4004, variable: 'SCHEDULER_PORT' },
  'webhook-gateway': { port: 4005, variable: 'WEBHOOK_GATEWAY_PORT' },
  'local-registry': { port: 4010, variable: 'LOCAL_REGISTRY_PORT' },
} as const;

export type Listener = keyof typeof listeners;
export type Ports = Record<Listener, number>;

const HIGHEST_PORT = 65_535;

export const listenerNames = Object.keys(listeners) as Listener[];

/** The ports of `npm start`; throws a StartError that names every variable which is no port. */
export function portsFrom(env: NodeJS.ProcessEnv): Ports {
  const wrong: string[] = [];
  const entries = listenerNames.map((name) => {
    const { port, variable } = listeners[name];
    const raw = env[variable] ?? '';
    const chosen = raw === '' ? port : Number(raw);
    if (!Number.isInteger(chosen) || chosen < 1 || chosen > HIGHEST_PORT) wrong.push(`${variable}=${raw}`);
    return [name, chosen] as const;
  });
  if (wrong.length > 0) throw new StartError(`${wrong.join(', ')} is no port; give a number from 1 to ${HIGHEST_PORT}`);
  const twice = entries.find(([name, port]) => entries.some((other) => other[0] !== name && other[1] === port));
  if (twice !== undefined) throw new StartError(`Two processes are to listen on port ${twice[1]}; change one`);
  return Object.fromEntries(entries) as Ports;
}

/** Ports nobody uses, for a platform that runs beside another one. */
export async function freePorts(): Promise<Ports> {
  const ports = new Set<number>();
  while (ports.size < listenerNames.length) ports.add(await freePort());
  const [...free] = ports;
  return Object.fromEntries(listenerNames.map((name, index) => [name, free[index]])) as Ports;
}

/** Throws a StartError that names every port which is taken, and how to choose another. */
export async function assertPortsFree(ports: Ports): Promise<void> {
  const taken: string[] = [];
  for (const name of listenerNames) {
    if (await isPortFree(ports[name])) continue;
    taken.push(`Port ${ports[name]} (${name}) is in use; free it or set ${listeners[name].variable}`);
  }
  if (taken.length > 0) throw new StartError(taken.join('. '));
}
