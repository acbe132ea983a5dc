import { collectDefaultMetrics, Registry } from 'prom-client';

/** A registry with the process's own figures in it and the service's name on every line. */
export function createMetrics(service: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry });
  return registry;
}
