import type { DashboardWidget } from '@verifywise/plugin-types';

/** What the rest of the system knows of an enabled plugin (architecture §3): who need not be called, and what may be. */
export interface Surface {
  events: string[];
  filters: string[];
  webhooks: SurfaceWebhook[];
  /** `GET /activity` */
  routes: string[];
  jobs: string[];
  widgets: DashboardWidget[];
}

export interface SurfaceWebhook {
  name: string;
  methods: string[];
}

export const emptySurface: Surface = { events: [], filters: [], webhooks: [], routes: [], jobs: [], widgets: [] };
