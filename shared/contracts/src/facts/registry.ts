import { fact } from '../messages.ts';

/** The catalogue of a registry was fetched anew; platform-wide, so its envelope has no tenant. */
export const RegistryRefreshed = fact<{ registry: string; plugins: number; quarantined: number }>('registry.refreshed');
