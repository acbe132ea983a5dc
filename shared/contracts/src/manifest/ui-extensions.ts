import { isDeepStrictEqual } from 'node:util';
import type { DashboardWidget, ManifestUi } from '@verifywise/plugin-types';
import type { SurfacePage } from '../surface.ts';
import { pointer, type ManifestIssue } from './issue.ts';
import { uiIssues } from './schema-check.ts';
import { MOST_PAGES, MOST_WIDGETS } from './ui-schema.ts';

/** Of one widget or page, as JSON; options are few words. */
const LARGEST = 16_384;

/** What a plugin offers the pages of the platform; anything at all, for its code wrote it. */
export interface OfferedUi {
  widgets: readonly unknown[];
  pages: readonly unknown[];
}

/** What of it is shown. */
export interface UiReading {
  widgets: DashboardWidget[];
  pages: SurfacePage[];
  /** Why the others were left out. */
  issues: ManifestIssue[];
}

/** What a manifest says of widgets and pages; one thing in the place of a list counts as a list of it. */
export function offeredInManifest(ui: ManifestUi | undefined): OfferedUi {
  return {
    widgets: listed(ui?.dashboardWidgets),
    pages: [...listed(ui?.pages), ...listed(ui?.page)],
  };
}

function listed(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  return value === undefined ? [] : [value];
}

/** The widgets and pages that are as they should be, in their order and as those of this plugin. Never throws. */
export function readUiExtensions(pluginId: string, { widgets, pages }: OfferedUi): UiReading {
  const issues: ManifestIssue[] = [];
  const known = new Map<string, unknown>();
  const fits = (kind: 'widget' | 'page', entry: unknown, path: string): boolean => {
    const wrong = sizeIssues(entry, path);
    if (wrong.length === 0) wrong.push(...uiIssues(kind, entry, path));
    issues.push(...wrong);
    return wrong.length === 0;
  };
  const isNew = (widget: DashboardWidget, path: string): boolean => {
    const same = known.get(widget.widgetId);
    if (same === undefined) known.set(widget.widgetId, widget);
    else if (!isDeepStrictEqual(same, widget)) {
      const message = `${JSON.stringify(widget.widgetId)} is the widgetId of an earlier widget of the plugin`;
      issues.push({ path: pointer(path, 'widgetId'), message, hint: 'Give every widget an id of its own' });
    }
    return same === undefined;
  };
  const read = {
    widgets: firstOf(widgets, MOST_WIDGETS, '/dashboardWidgets', issues)
      .filter(({ entry, path }) => fits('widget', entry, path))
      .map(({ entry, path }) => ({ widget: { ...(entry as DashboardWidget), pluginId }, path }))
      .filter(({ widget, path }) => isNew(widget, path))
      .map(({ widget }) => widget),
    pages: firstOf(pages, MOST_PAGES, '/pages', issues)
      .filter(({ entry, path }) => fits('page', entry, path))
      .map(({ entry }) => ({ ...(entry as SurfacePage), pluginId })),
  };
  return { ...read, issues };
}

function firstOf(entries: readonly unknown[], most: number, path: string, issues: ManifestIssue[]) {
  if (entries.length > most) {
    issues.push({ path, message: `There are more than ${most}; the others are left out`, hint: 'Offer fewer' });
  }
  return entries.slice(0, most).map((entry, index) => ({ entry, path: pointer(path, index) }));
}

function sizeIssues(entry: unknown, path: string): ManifestIssue[] {
  try {
    const size = (JSON.stringify(entry) as string | undefined)?.length ?? 0;
    if (size <= LARGEST) return [];
    return [{ path, message: `It has ${size} characters as JSON, more than ${LARGEST}`, hint: 'Shorten its options' }];
  } catch {
    return [{ path, message: 'It cannot be written as JSON', hint: 'Use texts, numbers, lists and objects only' }];
  }
}
