import { missingConfig } from '@verifywise/contracts';
import type { PluginManifest } from '@verifywise/plugin-types';

type Fields = PluginManifest['config'];

/** What an update does to the settings page. */
export interface ConfigChanges {
  added: { key: string; required: boolean; default?: unknown; description?: string }[];
  /** Their values are kept and no longer shown. */
  removed: string[];
  /** Were optional, or not there at all, and are required now. */
  newlyRequired: string[];
  /** What has no value as things stand; the plugin is not enabled anew without. */
  missing: string[];
}

/** Compares the settings of two versions; `values` are those the tenant has, secrets among them. */
export function configChanges(now: Fields, then: Fields, values: Record<string, unknown>): ConfigChanges {
  const added = Object.keys(then).filter((key) => !Object.hasOwn(now, key));
  return {
    added: added.flatMap((key) => {
      const field = then[key];
      if (field === undefined) return [];
      const { required = false, description } = field;
      return [
        {
          key,
          required,
          ...(field.default === undefined ? {} : { default: field.default }),
          ...(description === undefined ? {} : { description }),
        },
      ];
    }),
    removed: Object.keys(now).filter((key) => !Object.hasOwn(then, key)),
    newlyRequired: Object.keys(then).filter((key) => then[key]?.required === true && now[key]?.required !== true),
    missing: missingConfig(then, values),
  };
}
