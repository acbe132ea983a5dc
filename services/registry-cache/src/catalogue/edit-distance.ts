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
  const one = whole.slice(0, LONGEST);
  const other = otherWhole.slice(0, LONGEST);
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
    if (least > limit) return limit + 1;
    rows = [before, current, last];
  }
  return Math.min(at(rows[1], other.length), limit + 1);
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
