import { startBackingServices } from '../../infra/local/src/backing/backing-services.ts';
import { temporaryFolder } from '../../infra/local/src/temporary-folder.ts';

/** A broker of one test's own, which may be killed and restarted without hurting another test. */
export interface PrivateBroker {
  url: string;
  /** Ends it in order and starts it again at the same address. */
  restart(): Promise<void>;
  /** Ends it as a power cut would; `restart` brings it back with its durable messages. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

export async function startPrivateBroker(): Promise<PrivateBroker> {
  // A broker that was given by address is not ours to kill.
  const { BROKER_URL: _given, BACKING_SERVICES: way, ...env } = process.env;
  const services = await startBackingServices({
    folder: await temporaryFolder('broker'),
    persistent: false,
    only: ['rabbitmq'],
    env: way === undefined || way === 'environment' ? env : { ...env, BACKING_SERVICES: way },
  });
  return {
    url: services.brokerUrl,
    restart: () => services.restartBroker(),
    kill: () => services.killBroker(),
    stop: () => services.stop(),
  };
}
