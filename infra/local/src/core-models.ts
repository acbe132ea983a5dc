import { coreModelNames } from '@verifywise/plugin-types';

/** What the demo platform shows to plugins of each core model (S:22.6): `VendorRisk` is `plugin_views.vendor_risks`. */
export const coreModels = Object.fromEntries(
  coreModelNames.map((name) => [name, { relation: `plugin_views.${plural(snakeCase(name))}` }]),
);

function snakeCase(name: string): string {
  return name.replaceAll(/(?<=[a-z])[A-Z]/g, '_$&').toLowerCase();
}

function plural(noun: string): string {
  return noun.endsWith('y') ? `${noun.slice(0, -1)}ies` : `${noun}s`;
}
