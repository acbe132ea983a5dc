/** The value when it comes within the time, else undefined; what is there already is not waited for. */
export async function inTime<T>(value: T | Promise<T>, ms: number): Promise<T | undefined> {
  if (!(value instanceof Promise)) return value;
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => late.resolve(undefined), ms);
  try {
    return await Promise.race([value, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
