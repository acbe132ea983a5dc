import { EntitySchema } from 'typeorm';
import type { Registry } from '../catalogue/registry.ts';

/** A registry as it is stored, with what makes it come from the settings. */
export interface RegistryRow extends Registry {
  fromSettings: boolean;
}

export const RegistryTable = new EntitySchema<RegistryRow>({
  name: 'Registry',
  tableName: 'registries',
  columns: {
    name: { type: 'text', primary: true },
    url: { type: 'text' },
    verified: { type: 'boolean' },
    local: { type: 'boolean' },
    allowedHosts: { name: 'allowed_hosts', type: 'jsonb' },
    sealedToken: { name: 'sealed_token', type: 'text', nullable: true },
    fromSettings: { name: 'from_settings', type: 'boolean', default: false },
  },
});
