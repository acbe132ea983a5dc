import type { AddressRange } from './address-range.ts';
import { addressRange, addressWords, isInRange } from './address-range.ts';

/** Addresses that are not of the internet: this machine, its neighbours, and what clouds answer on (contract §3). */
const notPublic: AddressRange[] = [];
const v4 = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24'],
  ...['192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24'],
  ...['224.0.0.0/4', '240.0.0.0/4'],
];
const v6 = [
  ...['::/96', '64:ff9b::/96', '64:ff9b:1::/48', '100::/64', '2001::/23', '2001:db8::/32', '2002::/16'],
  ...['3fff::/20', '5f00::/16', 'fc00::/7', 'fe80::/10', 'fec0::/10', 'ff00::/8'],
];
for (const range of [...v4, ...v6]) {
  const [address = '', bits] = range.split('/');
  const read = addressRange(address, Number(bits));
  if (read) notPublic.push(read);
}

/** Whether an address is of the internet; v4 addresses written as v6 are checked as what they are. */
export function isPublicAddress(address: string): boolean {
  const words = addressWords(address);
  if (!words) return false;
  // Not even a list's own methods are what they were, once a plugin runs in this process.
  for (let at = 0; at < notPublic.length; at += 1) {
    const range = notPublic[at];
    if (range && isInRange(words, range)) return false;
  }
  return true;
}
