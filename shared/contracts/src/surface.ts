import type { DashboardWidget, MiddlewarePosition, SignatureScheme, UiPage } from '@verifywise/plugin-types';

/** What the rest of the system knows of an enabled plugin (architecture §3): who need not be called, and what may be. */
export interface Surface {
  events: string[];
  /** Events of which those that differ in this field of their payload may be handled at the same time. */
  orderedBy?: Record<string, string>;
  filters: SurfaceFilter[];
  middleware: SurfaceMiddleware[];
  webhooks: SurfaceWebhook[];
  /** `GET /activity` */
  routes: string[];
  jobs: string[];
  widgets: DashboardWidget[];
  pages: SurfacePage[];
}

export interface SurfaceWebhook {
  name: string;
  methods: string[];
  /** What the gateway verifies before it takes a request in. */
  verify?: SurfaceVerify;
  /** Bytes of the largest body; the gateway's own limit unless given. */
  bodyLimit?: number;
  /** Requests beyond the limit per minute are taken in and handed over later. */
  overflow?: 'queue';
}

export interface SurfaceVerify {
  scheme: SignatureScheme;
  /** Settings of the plugin that hold secrets; any one of them is enough. */
  secretKeys: string[];
}

/** One handler of a filter; over all plugins of a tenant, lower priorities run first. */
export interface SurfaceFilter {
  /** Names the handler in its isolate. */
  id: number;
  name: string;
  priority: number;
}

/** One middleware; it runs in the order of the surface. */
export interface SurfaceMiddleware {
  /** Names the handler in its isolate. */
  id: string;
  /** `/api/risks/*` */
  pattern: string;
  position: MiddlewarePosition;
  failClosed: boolean;
}

/** A page, with the plugin it belongs to. */
export interface SurfacePage extends UiPage {
  pluginId: string;
}

/** Of a plugin that offers nothing. */
export const emptySurface: Surface = {
  events: [],
  filters: [],
  middleware: [],
  webhooks: [],
  routes: [],
  jobs: [],
  widgets: [],
  pages: [],
};
