import type { Permission } from './permissions.ts';
import type { DashboardWidget, UiPage } from './widgets.ts';

/** What a plugin is for (S:2.1). */
export const pluginTypes = ['integration', 'feature', 'framework', 'reporting'] as const;
export type PluginType = (typeof pluginTypes)[number];

/**
 * `manifest.json` after reading: every field the platform works with, in one shape.
 * What an author may write, also in older spellings, is wider; it is normalised to this before a plugin or a service sees it.
 */
export interface PluginManifest {
  /** Lowercase words joined by hyphens, at most 50 characters. */
  id: string;
  /** At most 50 characters. */
  name: string;
  /** At most 200 characters. */
  description: string;
  /** `MAJOR.MINOR.PATCH`, with a pre-release after `-` when there is one. */
  version: string;
  author: PluginAuthor;
  type: PluginType;
  tags: string[];
  permissions: Permission[];
  /** What an admin may set, by key; the settings page is generated from it. Empty when there is nothing to set. */
  config: Record<string, ConfigField>;
  compatibility: PluginCompatibility;
  /** Plugin id → range of versions, for instance `>=1.0.0 <2.0.0`. */
  dependencies: Record<string, string>;
  homepage?: string;
  repository?: string;
  support?: string;
  license?: string;
  /** Name of the icon's file in the package. */
  icon?: string;
  /** A longer text for the plugin's page, in Markdown. */
  detailedDescription?: string;
  keywords?: string[];
  /** ISO 8601 date. */
  releaseDate?: string;
  faq?: FaqEntry[];
  changelog?: ChangelogEntry[];
  ui?: ManifestUi;
}

export interface PluginAuthor {
  name: string;
  url?: string;
}

/** Which versions of VerifyWise a plugin runs on; both ends are included. */
export interface PluginCompatibility {
  minVersion?: string;
  maxVersion?: string;
}

export interface FaqEntry {
  question: string;
  answer: string;
}

export interface ChangelogEntry {
  version: string;
  date?: string;
  changes: string[];
}

/**
 * What a plugin shows, said without code; `uiExtensions` of the plugin says the same in code, and both are read. What is not as it
 * should be is left out while the plugin is enabled, and its log says why; publishing refuses it.
 */
export interface ManifestUi {
  dashboardWidgets?: ManifestWidget[];
  page?: ManifestPage;
  [key: string]: unknown;
}

/** A widget of the dashboard. It is its plugin's, whether it says so or not. */
export type ManifestWidget = Omit<DashboardWidget, 'pluginId'> & { pluginId?: string };

/** A page of the plugin's own: made from data (`template`, `api`) or shown in a frame. */
export type ManifestPage = UiPage;

export const configFieldTypes = ['string', 'number', 'boolean', 'array', 'object'] as const;
export type ConfigFieldType = (typeof configFieldTypes)[number];

/** One thing an admin may set (S:7.2). */
export type ConfigField = StringField | NumberField | BooleanField | ArrayField | ObjectField;

interface FieldBasics<Value> {
  /** A plugin is not enabled while a required value is missing. */
  required?: boolean;
  /** Used while nothing is stored. */
  default?: Value;
  description?: string;
  /** What the settings page writes beside the input; the key when absent. */
  label?: string;
  placeholder?: string;
}

export interface StringField extends FieldBasics<string> {
  type: 'string';
  /** Encrypted at rest, never in an answer or a log (S:7.3). */
  secret?: boolean;
  enum?: string[];
  /** What the settings page writes for each choice of `enum`, in its order; the choices themselves when absent. */
  enumLabels?: string[];
  /** A regular expression without look-around and back references, at most 500 characters; matched in linear time. */
  pattern?: string;
  /** Characters. */
  minLength?: number;
  /** Characters. */
  maxLength?: number;
}

export interface NumberField extends FieldBasics<number> {
  type: 'number';
  min?: number;
  max?: number;
}

export interface BooleanField extends FieldBasics<boolean> {
  type: 'boolean';
}

export interface ArrayField extends FieldBasics<unknown[]> {
  type: 'array';
  items?: ConfigField;
}

export interface ObjectField extends FieldBasics<Record<string, unknown>> {
  type: 'object';
  properties?: Record<string, ConfigField>;
}
