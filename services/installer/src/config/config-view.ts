import {
  dotted,
  effectiveConfig,
  joinConfig,
  missingConfig,
  splitConfig,
  type ConfigFields,
  type SecretPlace,
} from '@verifywise/contracts';
import { findInstalled } from '../installation/find-installed.ts';
import type { Installations } from '../installation/hands.ts';
import { configRevision } from './config-revision.ts';
import { isStoredSecret, storedValues } from './sealed-config.ts';
import { SECRET_MASK } from './secret-mask.ts';

/** The settings of a plugin as an admin may see them: never a secret, only which ones are set. */
export interface ConfigView {
  schema: ConfigFields;
  config: Record<string, unknown>;
  /** `apiKey`, `proxy.password`, `accounts.0.token`. */
  secretsSet: string[];
  missingConfig: string[];
}

/** The view, and what `If-Match` says of it. */
export type ViewConfig = (tenant: string, pluginId: string) => Promise<{ view: ConfigView; revision: string }>;

export function createViewConfig(installations: Installations): ViewConfig {
  return async (tenant, pluginId) => {
    const record = await findInstalled({ installations }, { tenant, pluginId });
    const stored = await installations.findConfig(tenant, pluginId);
    const fields = record.manifest.config;
    const values = known(fields, storedValues(stored));
    const set = splitConfig(fields, values, isStoredSecret).secrets;
    const shown = splitConfig(fields, effectiveConfig(fields, values), isStoredSecret).values;
    return {
      revision: configRevision(record, stored),
      view: {
        schema: fields,
        config: joinConfig(shown, itemsOf(set.keys())),
        secretsSet: [...set.keys()].map(dotted).sort(),
        missingConfig: missingConfig(fields, values),
      },
    };
  };
}

/** What another version has left is not shown. */
function known(fields: ConfigFields, values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([key]) => Object.hasOwn(fields, key)));
}

/** A secret that is itself an item of a list is masked in it, so that the list has its length. */
function itemsOf(places: Iterable<SecretPlace>): [SecretPlace, string][] {
  return [...places].filter((place) => /\/\d+$/.test(place)).map((place) => [place, SECRET_MASK]);
}
