import type { ConfigRecord } from '../installation/installed-plugin.ts';

/** What is stored of some settings, secrets as they are sealed. */
export type PartOfConfig = Pick<ConfigRecord, 'values' | 'secrets'>;

export function partOf({ values, secrets }: PartOfConfig, keys: string[]): PartOfConfig {
  return chosen({ values, secrets }, (key) => keys.includes(key));
}

/** The stored settings, but of these keys what that part has. */
export function withPart(stored: ConfigRecord, keys: string[], part: PartOfConfig): ConfigRecord {
  const others = chosen(stored, (key) => !keys.includes(key));
  return {
    ...stored,
    values: { ...others.values, ...part.values },
    secrets: { ...others.secrets, ...part.secrets },
  };
}

/** The setting of the settings page that a place is in: `proxy/password` belongs to `proxy`. */
export function settingOf(place: string): string {
  return place.replace(/\/.*$/, '');
}

function chosen({ values, secrets }: PartOfConfig, fits: (key: string) => boolean): PartOfConfig {
  return {
    values: Object.fromEntries(Object.entries(values).filter(([key]) => fits(key))),
    secrets: Object.fromEntries(Object.entries(secrets).filter(([place]) => fits(settingOf(place)))),
  };
}
