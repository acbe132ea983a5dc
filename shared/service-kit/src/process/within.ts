/** What `work` gives, or the error of `late` when that takes longer than `deadlineMs`; the work itself goes on. */
export async function within<T>(deadlineMs: number, work: () => T, late: () => Error): Promise<Awaited<T>> {
  const timeUp = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    timeUp.reject(late());
  }, deadlineMs);
  try {
    return await Promise.race([Promise.resolve().then(work), timeUp.promise]);
  } finally {
    clearTimeout(timer);
  }
}
