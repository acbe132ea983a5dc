import { hearing } from '@verifywise/broker';
import type { Broker } from '@verifywise/broker';
import type { PluginFailure } from '@verifywise/contracts';
import { PluginFailed } from '@verifywise/contracts';

export type HeardFailure = PluginFailure & { tenant: string | null };

/** Hears in the installer's place what runners report of plugins that fail; the list grows as they do. */
export async function heardFailures(broker: Pick<Broker, 'subscribe'>): Promise<HeardFailure[]> {
  const failures: HeardFailure[] = [];
  await broker.subscribe('installer', [
    hearing(PluginFailed, (failure, { tenant }) => {
      failures.push({ ...failure, tenant });
      return Promise.resolve();
    }),
  ]);
  return failures;
}
