import type { Operation } from '../operations/operation.ts';
import type { Secrets } from './sealed-config.ts';
import { assertRoom, assertStorable } from './values-after.ts';

/** No setting stands there. */
const PLACE = '/given';

/** Seals settings that come with a request; which of them are secrets only the version they are for can tell. */
export type SealGiven = (tenant: string, pluginId: string, given: Record<string, unknown>) => string;

export function createSealGiven(secrets: Secrets): SealGiven {
  return (tenant, pluginId, given) => {
    assertStorable(given);
    const text = JSON.stringify(given);
    assertRoom(text.length);
    return secrets.seal(text, { tenant, pluginId, field: PLACE });
  };
}

/** The settings that came with this operation; none when it came without. */
export function givenConfig(
  secrets: Secrets,
  { tenant, pluginId, input: { sealedConfig } }: Pick<Operation, 'tenant' | 'pluginId' | 'input'>,
): Record<string, unknown> {
  if (sealedConfig === undefined) return {};
  return JSON.parse(secrets.open(sealedConfig, { tenant, pluginId, field: PLACE })) as Record<string, unknown>;
}
