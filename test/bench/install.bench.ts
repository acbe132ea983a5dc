import type { Bench } from './frame/bench.ts';
import { hundredTenants } from './install/hundred-tenants.ts';
import { intake } from './install/intake.ts';
import { rollback } from './install/rollback.ts';

/** What it costs to bring a package here, beside unzipping it. */
export const bench: Bench = {
  about: 'what installing costs beside unzip and sha256sum: time by step, memory, many tenants at once, rollback',
  backing: ['rabbitmq', 'postgres', 'redis'],
  measurements: [intake, hundredTenants, rollback],
};
