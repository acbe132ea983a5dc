/** The middle of the numbers; of an even count the mean of the two in the middle. */
export function median(numbers: readonly number[]): number {
  const sorted = inOrder(numbers);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}

/** The smallest of the numbers that so many percent of them do not exceed (nearest rank). */
export function percentile(numbers: readonly number[], percent: number): number {
  const sorted = inOrder(numbers);
  const rank = Math.ceil((percent / 100) * sorted.length);
  return sorted[Math.max(0, rank - 1)] as number;
}

function inOrder(numbers: readonly number[]): number[] {
  if (numbers.length === 0) throw new Error('Nothing was measured');
  if (numbers.some((number) => !Number.isFinite(number)))
    throw new Error(`Not all of ${numbers.join(', ')} are numbers`);
  return numbers.toSorted((one, other) => one - other);
}
