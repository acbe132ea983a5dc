/** Longer words are compared by their beginning. */
const LONGEST = 64;
const width = LONGEST + 1;
/** Rows of the comparison under way: this one, the last, and the one before. */
let rows: [Uint8Array, Uint8Array, Uint8Array] = [new Uint8Array(width), new Uint8Array(width), new Uint8Array(width)];

/**
 * How many slips of the pen lie between two words: a letter too many, too few, wrong, or swapped with its neighbour.
 * Gives `limit + 1` as soon as it is clear that there are more than `limit`.
 */
export function editDistance(whole: string, otherWhole: string, limit: number): number {
  if (Math.abs(whole.length - otherWhole.length) > limit) return limit + 1;
  const last = lastRow(whole.slice(0, LONGEST), otherWhole.slice(0, LONGEST), limit);
  return last === undefined ? limit + 1 : Math.min(at(last, Math.min(otherWhole.length, LONGEST)), limit + 1);
}

/** The same between a word and whatever beginning of another is nearest to it: somebody is still typing. */
export function distanceToBeginning(begun: string, whole: string, limit: number): number {
  if (begun.length - whole.length > limit) return limit + 1;
  const other = whole.slice(0, Math.min(begun.length + limit, LONGEST));
  const last = lastRow(begun.slice(0, LONGEST), other, limit);
  return last === undefined ? limit + 1 : Math.min(...last.subarray(0, other.length + 1), limit + 1);
}

/** The distances from one word to every beginning of the other; undefined when all of them are beyond the limit. */
function lastRow(one: string, other: string, limit: number): Uint8Array | undefined {
  for (let column = 0; column <= other.length; column += 1) rows[1][column] = column;
  for (let row = 1; row <= one.length; row += 1) {
    const [current, last, before] = rows;
    current[0] = row;
    let least = row;
    for (let column = 1; column <= other.length; column += 1) {
      const wrong = one.charCodeAt(row - 1) === other.charCodeAt(column - 1) ? 0 : 1;
      let distance = Math.min(at(last, column) + 1, at(current, column - 1) + 1, at(last, column - 1) + wrong);
      if (wrong === 1 && isSwap(one, other, row, column)) distance = Math.min(distance, at(before, column - 2) + 1);
      current[column] = distance;
      least = Math.min(least, distance);
    }
    if (least > limit) return undefined;
    rows = [before, current, last];
  }
  return rows[1];
}

function isSwap(one: string, other: string, row: number, column: number): boolean {
  if (row < 2 || column < 2) return false;
  return (
    one.charCodeAt(row - 1) === other.charCodeAt(column - 2) && one.charCodeAt(row - 2) === other.charCodeAt(column - 1)
  );
}

function at(row: Uint8Array, column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}
