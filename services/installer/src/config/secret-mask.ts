/** What a form shows in place of a secret (S:7.3); sent back, it means: unchanged. */
export const SECRET_MASK = '••••••••';

/** What a form sends for a secret that is to stay. */
export function isKept(given: unknown): boolean {
  return given === undefined || given === '' || given === SECRET_MASK;
}
