import type { AddressRange } from './address-range.ts';
import { addressRange, addressWords, isInRange } from './address-range.ts';

/** Addresses that are not of the internet: this machine, its neighbours, and what clouds answer on (contract §3). */
const NOT_PUBLIC: readonly (readonly [address: string, bits: number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  ['::', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
  ['5f00::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
];

let known: AddressRange[] | undefined;

/** Read when they are first asked for: an isolate that reaches nothing does not pay for it, 5 ms of its start. */
function notPublic(): AddressRange[] {
  if (known) return known;
  const ranges: AddressRange[] = [];
  // Not even a list's own methods are what they were, once a plugin runs in this process.
  for (let at = 0; at < NOT_PUBLIC.length; at += 1) {
    const listed = NOT_PUBLIC[at];
    const range = listed && addressRange(listed[0], listed[1]);
    if (range) ranges[ranges.length] = range;
  }
  known = ranges;
  return ranges;
}

/** Whether an address is of the internet; v4 addresses written as v6 are checked as what they are. */
export function isPublicAddress(address: string): boolean {
  const words = addressWords(address);
  if (!words) return false;
  const ranges = notPublic();
  for (let at = 0; at < ranges.length; at += 1) {
    const range = ranges[at];
    if (range && isInRange(words, range)) return false;
  }
  return true;
}
