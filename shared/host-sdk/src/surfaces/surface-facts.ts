import type { FactHandler } from '@verifywise/broker';
import { hearing } from '@verifywise/broker';
import {
  PluginDisabled,
  PluginEnabled,
  PluginFailed,
  PluginPermissionsChanged,
  PluginRolledBack,
  PluginUninstalled,
  PluginUpdated,
  SurfaceChanged,
} from '@verifywise/contracts';
import type { TenantOffers } from './tenant-offers.ts';

/** Every fact after which a tenant's plugins may offer something else. */
const facts = [
  ...[SurfaceChanged, PluginEnabled, PluginDisabled, PluginUpdated, PluginRolledBack, PluginUninstalled],
  ...[PluginPermissionsChanged, PluginFailed],
];

/** What the host hears so that it notices at once when a tenant's plugins offer something else. */
export function surfaceFacts(offers: Pick<TenantOffers, 'outdate'>): FactHandler[] {
  return facts.map(({ name }) =>
    hearing({ verb: 'fact', name }, (_payload, { tenant }) => {
      if (tenant !== null) offers.outdate(tenant);
      return Promise.resolve();
    }),
  );
}
