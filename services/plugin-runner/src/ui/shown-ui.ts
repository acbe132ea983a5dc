import type { SurfacePage } from '@verifywise/contracts';
import type { DashboardWidget } from '@verifywise/plugin-types';

/** What one enabled plugin shows on the pages of the platform. */
export interface ShownUi {
  widgets: DashboardWidget[];
  pages: SurfacePage[];
}

export interface ShownUis {
  /** Of every enabled plugin of the tenant, in the order of their ids. */
  ofTenant(tenant: string): Promise<ShownUi[]>;
}
