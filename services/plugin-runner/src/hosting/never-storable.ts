/** SQLSTATE class 22, a data exception: what was handed over is no value of its column, and never will be. */
const DATA_EXCEPTION = /^22[0-9A-Z]{3}$/;

/** Whether the database has refused the data itself, so that trying again is of no use. */
export function isNeverStorable(error: unknown): boolean {
  const { code, driverError } = (error ?? {}) as { code?: unknown; driverError?: { code?: unknown } };
  return [code, driverError?.code].some((state) => typeof state === 'string' && DATA_EXCEPTION.test(state));
}
