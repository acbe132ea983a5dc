import { PlatformError } from '@verifywise/contracts';
import { originals } from './originals.ts';

/** Rejects with HANDLER_TIMED_OUT when it takes longer; a late answer is nobody's, neither its value nor its error counts any more. */
export async function inTime<Result>(
  handle: () => Promise<Result>,
  limitMs: number,
  late: () => string,
): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_resolve, reject) => {
    timer = originals.setTimeout(() => reject(new PlatformError('HANDLER_TIMED_OUT', late())), limitMs);
  });
  try {
    return await Promise.race([handle(), tooLate]);
  } finally {
    originals.clearTimeout(timer);
  }
}
