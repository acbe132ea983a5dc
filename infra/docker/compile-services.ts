/** Loads every module of every process once, so that Node's compile cache (NODE_COMPILE_CACHE) has them all when containers start. */
const processes = [
  ...['registry-cache', 'installer', 'plugin-runner', 'scheduler', 'webhook-gateway'].map((name) => `services/${name}`),
  ...['infra/demo-platform', 'infra/registry'],
];
for (const process of processes) await import(`../../${process}/src/service.ts`);
