import net from 'node:net';

/*
 * Isolates decide with this where plugins may connect to, and plugin code shares their process: nothing here is looked up when it is
 * used that such code could have replaced by then. So no methods, only operators and indexes.
 */

const { isIP } = net;

/** An address as eight numbers of 16 bits, with those of version 4 written as version 6 (`::ffff:10.0.0.1`). */
export type AddressWords = readonly number[];

/** Addresses that begin with the same bits. */
export interface AddressRange {
  words: AddressWords;
  bits: number;
}

const WORDS = 8;
/** Where the four bytes of a version 4 address begin. */
const V4_AT = 6;
const V4_BITS = 96;

const VALUES: Record<string, number> = {
  ...{ 0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 7, 8: 8, 9: 9 },
  ...{ a: 10, b: 11, c: 12, d: 13, e: 14, f: 15, A: 10, B: 11, C: 12, D: 13, E: 14, F: 15 },
};

/** Reads an address without a zone; undefined for what is none. */
export function addressWords(address: string): AddressWords | undefined {
  const family = isIP(address);
  if (family === 0) return undefined;
  const words = [0, 0, 0, 0, 0, family === 4 ? 0xffff : 0, 0, 0];
  let at = family === 4 ? V4_AT : 0;
  let gapAt = -1;
  let dots = 0;
  let twoBytes = 0;
  let group = { digits: 0, hex: 0, decimal: 0 };
  for (let index = 0; index < address.length; index += 1) {
    const char = address[index] ?? '';
    if (char === ':') {
      if (group.digits > 0) words[at++] = group.hex;
      else if (index > 0) gapAt = at;
    } else if (char === '.') {
      twoBytes = twoBytes * 256 + group.decimal;
      dots += 1;
      if (dots === 2) {
        words[at++] = twoBytes;
        twoBytes = 0;
      }
    } else {
      const value = VALUES[char] ?? 0;
      group = { digits: group.digits + 1, hex: group.hex * 16 + value, decimal: group.decimal * 10 + value };
      continue;
    }
    group = { digits: 0, hex: 0, decimal: 0 };
  }
  if (dots > 0) words[at++] = twoBytes * 256 + group.decimal;
  else if (group.digits > 0) words[at++] = group.hex;
  if (gapAt >= 0) moveToEnd(words, gapAt, at);
  return words;
}

/** A range of addresses, or one address without `bits`; undefined when `address` is none. */
export function addressRange(address: string, bits?: number): AddressRange | undefined {
  const words = addressWords(address);
  if (!words) return undefined;
  const before = isIP(address) === 4 ? V4_BITS : 0;
  return { words, bits: bits === undefined ? WORDS * 16 : before + bits };
}

/** Whether a range has an address; those of version 4 lie in `::/0` as well. */
export function isInRange(words: AddressWords, range: AddressRange): boolean {
  for (let at = 0; at * 16 < range.bits; at += 1) {
    const left = range.bits - at * 16;
    const mask = left >= 16 ? 0xffff : 0xffff ^ (0xffff >> left);
    if ((((words[at] ?? 0) ^ (range.words[at] ?? 0)) & mask) !== 0) return false;
  }
  return true;
}

/** What stands after `::` ends the address. */
function moveToEnd(words: number[], from: number, until: number): void {
  for (let moved = 1; moved <= until - from; moved += 1) {
    const word = words[until - moved] ?? 0;
    words[until - moved] = 0;
    words[WORDS - moved] = word;
  }
}
