/** Starts side by side; the first failure aborts the others, and is thrown when all of them have settled. */
export async function startTogether<T extends readonly unknown[]>(
  start: (signal: AbortSignal) => { [K in keyof T]: Promise<T[K]> },
  signal?: AbortSignal,
): Promise<T> {
  const failed = new AbortController();
  const starting = start(signal === undefined ? failed.signal : AbortSignal.any([signal, failed.signal]));
  let first: { reason: unknown } | undefined;
  const outcomes = await Promise.all(
    starting.map((one) =>
      one.catch((reason: unknown) => {
        first ??= { reason };
        failed.abort();
      }),
    ),
  );
  if (first !== undefined) throw first.reason;
  return outcomes as unknown as T;
}
