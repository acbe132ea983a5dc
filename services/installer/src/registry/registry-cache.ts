import type { Broker } from '@verifywise/broker';
import {
  FindRegistryEntry,
  FindRegistryToken,
  ListRegistryVersions,
  type RegistryEntry,
  type RegistryToken,
} from '@verifywise/contracts';
import type { PluginRegistry } from '../installation/hands.ts';

/** The cache may have to fetch the registry first. */
const ANSWER_DEADLINE_MS = 10_000;

/** The registries as registry-cache knows them. */
export class RegistryCache implements PluginRegistry {
  readonly #broker: Broker;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  find(tenant: string, id: string, version?: string): Promise<RegistryEntry | null> {
    const payload = version === undefined ? { id } : { id, version };
    return this.#broker.ask(FindRegistryEntry, { tenant, payload }, { deadlineMs: ANSWER_DEADLINE_MS });
  }

  versions(tenant: string, id: string): Promise<RegistryEntry[]> {
    return this.#broker.ask(ListRegistryVersions, { tenant, payload: { id } }, { deadlineMs: ANSWER_DEADLINE_MS });
  }

  /** Asked for when it is used, so that it is stored in no operation. */
  findToken(registry: string): Promise<RegistryToken | null> {
    const payload = { registry };
    return this.#broker.ask(FindRegistryToken, { tenant: null, payload }, { deadlineMs: ANSWER_DEADLINE_MS });
  }
}
