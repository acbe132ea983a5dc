import type { ConfigField } from '@verifywise/plugin-types';
import type { ConfigFields } from './config-values.ts';
import { isObject, objectFrom } from './json-object.ts';

/**
 * Where a secret stands in the values of a plugin: `apiKey`, `proxy/password`, `accounts/0/token`. Keys of settings hold no slash.
 */
export type SecretPlace = string;

/** Whether a value of this field is encrypted at rest and never shown (S:7.3). */
export function isSecretField(field: ConfigField | undefined): boolean {
  return field?.type === 'string' && field.secret === true;
}

export interface SplitConfig {
  /** The values without secrets; in a list of secrets each is null. */
  values: Record<string, unknown>;
  secrets: Map<SecretPlace, unknown>;
}

/** Takes apart what is secret and what is not; `isSecret` may find more secrets than the fields tell. */
export function splitConfig(
  fields: ConfigFields,
  values: Record<string, unknown>,
  isSecret: (value: unknown) => boolean = () => false,
): SplitConfig {
  const secrets = new Map<SecretPlace, unknown>();
  const take = (field: ConfigField | undefined, value: unknown, place: SecretPlace): unknown => {
    if (isSecret(value) || (isSecretField(field) && typeof value === 'string')) {
      secrets.set(place, value);
      return undefined;
    }
    if (Array.isArray(value)) {
      const items = field?.type === 'array' ? field.items : undefined;
      return value.map((item, index) => take(items, item, `${place}/${index}`) ?? null);
    }
    if (!isObject(value)) return value;
    return properties(field?.type === 'object' ? (field.properties ?? {}) : {}, value, `${place}/`);
  };
  const properties = (known: ConfigFields, object: Record<string, unknown>, prefix: string) =>
    objectFrom(
      Object.entries(object).flatMap(([key, value]): [string, unknown][] => {
        const plain = take(Object.hasOwn(known, key) ? known[key] : undefined, value, `${prefix}${key}`);
        return plain === undefined ? [] : [[key, plain]];
      }),
    );
  return { values: properties(fields, values, ''), secrets };
}

/** The values with every secret at its place again; one whose list is shorter now is left out. */
export function joinConfig(
  values: Record<string, unknown>,
  secrets: Iterable<readonly [SecretPlace, unknown]>,
): Record<string, unknown> {
  const joined = structuredClone(values);
  for (const [place, secret] of secrets) {
    const steps = place.split('/');
    const last = steps.pop() ?? '';
    const holder = steps.reduce<unknown>(innerOf, joined);
    if (Array.isArray(holder) && Number(last) < holder.length) holder[Number(last)] = secret;
    else if (isObject(holder)) holder[last] = secret;
  }
  return joined;
}

function innerOf(holder: unknown, step: string): unknown {
  if (Array.isArray(holder)) return holder[Number(step)];
  if (!isObject(holder)) return undefined;
  if (!Object.hasOwn(holder, step)) holder[step] = {};
  return holder[step];
}

/** A place as people read it: `proxy.password`. */
export function dotted(place: SecretPlace): string {
  return place.replaceAll('/', '.');
}
