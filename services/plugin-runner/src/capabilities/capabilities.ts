import type { Broker } from '@verifywise/broker';
import type { Installation } from '@verifywise/contracts';
import { CancelJobs, ListJobs, ScheduleJob, SetConfigValue } from '@verifywise/contracts';
import type { Permission } from '@verifywise/plugin-types';
import type { Capabilities } from '../hosting/isolate-process.ts';
import { asJson } from './as-json.ts';
import { permissionDenied } from '../permission-denied.ts';
import type { MetadataRecords } from './metadata.ts';
import { metadataCapabilities } from './metadata.ts';
import { publishPluginEvent } from './plugin-events.ts';

export interface CapabilityHands {
  broker: Pick<Broker, 'ask' | 'publish'>;
  metadata: MetadataRecords;
  /** The installation as it is now: what is granted may change while the plugin runs. */
  installation(): Installation;
  /** Called with an installation that the plugin itself has just changed. */
  configChanged(installation: Installation): Record<string, unknown> | null;
  isEnabled(pluginId: string): Promise<boolean>;
  database: DatabaseCapabilities;
  models: ModelCapabilities;
  applyFilters(filter: string, data: Record<string, unknown>, within: string[]): Promise<Record<string, unknown>>;
}

/** `context.db`; checks for itself what is granted. */
export type DatabaseCapabilities = Pick<Capabilities, 'db.query' | 'db.begin' | 'db.commit' | 'db.rollback'>;
/** `context.models`; checks for itself what is granted. */
export type ModelCapabilities = Pick<
  Capabilities,
  'models.define' | 'models.associate' | 'models.sync' | 'models.dropAll' | 'models.run'
>;

/** Everything one plugin of one tenant may ask of the platform; each checks here, where plugin code cannot reach, what is granted. */
export function capabilitiesFor(hands: CapabilityHands): Capabilities {
  const { broker } = hands;
  const { tenant, pluginId } = hands.installation();
  const need = (permission: Permission) => {
    if (!hands.installation().granted.includes(permission)) throw permissionDenied(pluginId, permission);
  };

  return {
    ...metadataCapabilities(tenant, pluginId, hands.metadata),
    ...hands.database,
    ...hands.models,
    'filters.apply': (filter, data, within) => hands.applyFilters(filter, data, within),
    'config.set': async (key, value) => {
      need('config:write');
      asJson(value, { what: `The value of ${key}`, code: 'CONFIG_INVALID' });
      return hands.configChanged(await broker.ask(SetConfigValue, { tenant, payload: { pluginId, key, value } }));
    },
    'events.emit': async (event, payload) => {
      need('events:emit');
      await publishPluginEvent(broker, tenant, pluginId, event, payload);
      return null;
    },
    'scheduler.schedule': async (name, timing, data) => {
      asJson({ timing, data }, { what: `What is said with the job ${name}`, code: 'SCHEDULE_INVALID' });
      await broker.ask(ScheduleJob, { tenant, payload: { pluginId, name, timing, data } });
      return null;
    },
    'scheduler.cancel': async (name) => {
      const wanted = name === null ? { pluginId } : { pluginId, name };
      return (await broker.ask(CancelJobs, { tenant, payload: wanted })).cancelled;
    },
    'scheduler.list': async () => {
      const jobs = await broker.ask(ListJobs, { tenant, payload: { pluginId } });
      return jobs.map(({ timing, ...job }) => ({
        ...job,
        ...(timing.cron === undefined ? {} : { cron: timing.cron }),
        ...(timing.every === undefined ? {} : { every: timing.every }),
        once: timing.once === true,
      }));
    },
    'plugins.isEnabled': async (other) => (typeof other === 'string' ? hands.isEnabled(other) : false),
  };
}
