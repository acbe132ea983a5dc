/** The templates a dashboard widget may use (S:14.1). */
export const widgetTemplates = [
  'activity-feed',
  'list',
  'stats-card',
  'table',
  'chart',
  'timeline',
  'progress',
  'alerts',
  'calendar',
  'card-grid',
] as const;
export type WidgetTemplate = (typeof widgetTemplates)[number];

/** What a plugin adds to the pages of the platform (S:13). */
export interface UiExtensions {
  dashboardWidgets?: DashboardWidget[];
  /** Pages of the plugin's own; like `ui.page` of the manifest. */
  pages?: UiPage[];
}

/** A page of the plugin's own: made from data (`template`, `api`) or shown in a frame. */
export interface UiPage {
  title: string;
  type: 'template' | 'iframe' | 'api';
  /** For `template`: how the data is shown. */
  template?: WidgetTemplate;
  /** For `template` and `api`: path below `/api/plugins/{pluginId}` that has the data. */
  endpoint?: string;
  /** For `iframe`: an https address, or a path below `/api/plugins/{pluginId}`. */
  url?: string;
  icon?: string;
  [option: string]: unknown;
}

/** A widget of the dashboard: a template, and the plugin's route that has its data (S:13.2). */
export interface DashboardWidget {
  /** Unique in the plugin. */
  widgetId: string;
  pluginId: string;
  title: string;
  template: WidgetTemplate;
  /** Path below `/api/plugins/{pluginId}`; answers `{ success: true, data }` with the template's data. */
  endpoint: string;
  config?: WidgetConfig;
}

/** Options of S:14.3; a template may know more. */
export interface WidgetConfig {
  /** Seconds. */
  refreshInterval?: number;
  /** Items per page, for lists and tables. */
  pageSize?: number;
  /** Items at most. */
  limit?: number;
  /** Grid columns, for `card-grid`. */
  columns?: number;
  compact?: boolean;
  /** Whether a `stats-card` shows its change. */
  showChange?: boolean;
  emptyMessage?: string;
  [option: string]: unknown;
}

/** What a widget's endpoint answers. */
export interface WidgetAnswer<Template extends WidgetTemplate> {
  success: true;
  data: WidgetData[Template];
}

/** The data each template expects (S:14.2, contract §7). */
export interface WidgetData {
  'activity-feed': { activities: Activity[] };
  list: { items: ListItem[]; total: number };
  'stats-card': StatsCard;
  table: TableData;
  chart: ChartData;
  timeline: { events: TimelineEvent[]; total: number };
  progress: ProgressData;
  alerts: { alerts: Alert[] };
  calendar: { events: CalendarEvent[]; total: number };
  'card-grid': { cards: StatsTile[] };
}

export interface Activity {
  id: string;
  /** A word like `created`. */
  action: string;
  /** A word like `risk`. */
  entityType: string;
  entityName: string;
  user: { name: string; avatar?: string };
  /** ISO 8601. */
  timestamp: string;
}

export interface ListItem {
  id: string;
  title: string;
  icon?: string;
  url?: string;
  description?: string;
  /** ISO 8601. */
  timestamp?: string;
  status?: string;
}

export interface StatsCard {
  value: number | string;
  label: string;
  /** `+5`, or the bare number. */
  change?: string | number;
  changeType?: 'increase' | 'decrease' | 'neutral';
  icon?: string;
}

export interface TableData {
  columns: (string | { key: string; label: string; width?: number | string })[];
  /** Cells in the order of the columns, or objects by column key. */
  rows: (unknown[] | Record<string, unknown>)[];
  total: number;
}

export type ChartData = LabelledChart | NamedChart;

export interface LabelledChart {
  type: 'bar' | 'line' | 'pie' | 'donut';
  labels: string[];
  datasets: { label: string; data: number[]; color?: string }[];
}

export interface NamedChart {
  chartType: 'bar' | 'line' | 'pie' | 'donut';
  data: { name: string; value: number; color?: string }[];
  series?: unknown[];
}

export interface TimelineEvent {
  id: string;
  title: string;
  description?: string;
  /** ISO 8601. */
  timestamp: string;
  type?: string;
  icon?: string;
  user?: { name: string; avatar?: string };
}

export interface ProgressData {
  style: 'circular' | 'linear' | 'gauge' | 'multi';
  value?: number;
  max?: number;
  label?: string;
  subtitle?: string;
  color?: string;
  /** For `multi`. */
  items?: { label: string; value: number; max?: number; color?: string }[];
}

export interface Alert {
  id: string;
  title: string;
  message: string;
  severity: 'critical' | 'high' | 'medium' | 'low' | 'info';
  actionLabel?: string;
  actionUrl?: string;
}

export interface CalendarEvent {
  id: string;
  title: string;
  /** ISO 8601 date. */
  date: string;
  type?: 'deadline' | 'event' | 'reminder' | 'milestone';
  color?: string;
  url?: string;
}

export interface StatsTile {
  id: string;
  label: string;
  value: number | string;
  icon?: string;
  color?: string;
}
