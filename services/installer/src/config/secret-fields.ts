import type { ConfigField } from '@verifywise/plugin-types';

/** What a form shows in place of a secret (S:7.3); sent back, it means: unchanged. */
export const SECRET_MASK = '••••••••';

export function isSecret(field: ConfigField | undefined): boolean {
  return field?.type === 'string' && field.secret === true;
}
