import type { Broker } from '@verifywise/broker';
import { ApplyInstallation, fact, ForgetInstallation, work } from '@verifywise/contracts';
import type { StoredMessage } from '@verifywise/service-kit';

const works = new Set([ApplyInstallation.name, ForgetInstallation.name]);

/** The outbox carries facts and the work that follows from the same change; each leaves by its own verb. */
export async function sendOrPublish(broker: Broker, name: string, message: StoredMessage): Promise<void> {
  const { tenant } = message;
  if (works.has(name) && tenant !== null) await broker.send(work(name), { ...message, tenant });
  else await broker.publish(fact(name), message);
}
