import { answering, tenantOf, type QuestionAnswer } from '@verifywise/broker';
import { FindSealedSecrets, joinConfig, type SealedConfig } from '@verifywise/contracts';

interface SealedSettings {
  find(tenant: string, pluginId: string): Promise<object | null>;
  findConfig(tenant: string, pluginId: string): Promise<SealedConfig | null>;
}

/** `installer.find-sealed-secrets`: some of a plugin's secrets, as they are stored. Nothing is opened here. */
export function findSealedSecrets(settings: SealedSettings): QuestionAnswer {
  return answering(FindSealedSecrets, async ({ pluginId, keys }, about) => {
    const tenant = tenantOf(about);
    const installed = await settings.find(tenant, pluginId);
    if (installed === null) return null;
    const config = await settings.findConfig(tenant, pluginId);
    return config === null ? {} : secretsAt(config, keys);
  });
}

function secretsAt({ values, secrets }: SealedConfig, keys: readonly string[]): Record<string, string> {
  const places = keys.map((key) => key.replaceAll('.', '/'));
  const asked = ([place]: readonly [string, string]) =>
    places.some((wanted) => place === wanted || place.startsWith(`${wanted}/`));
  // What a list had before it became shorter is no setting any more.
  const joined = joinConfig(values, Object.entries(secrets));
  const isThere = ([place, sealed]: readonly [string, string]) => valueAt(joined, place) === sealed;
  return Object.fromEntries(Object.entries(secrets).filter(asked).filter(isThere));
}

function valueAt(values: unknown, place: string): unknown {
  return place
    .split('/')
    .reduce((holder, step) => (holder as Record<string, unknown> | null | undefined)?.[step], values);
}
