import { BlockList, isIP } from 'node:net';

/** Addresses that are not of the internet: this machine, its neighbours, and what clouds answer on (contract §3). */
const notPublic = new BlockList();
const v4 = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24'],
  ...['192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24'],
  ...['224.0.0.0/4', '240.0.0.0/4'],
];
const v6 = [
  ...['::/96', '64:ff9b::/96', '64:ff9b:1::/48', '100::/64', '2001::/23', '2001:db8::/32', '2002::/16'],
  ...['3fff::/20', '5f00::/16', 'fc00::/7', 'fe80::/10', 'fec0::/10', 'ff00::/8'],
];
for (const [family, ranges] of [
  ['ipv4', v4],
  ['ipv6', v6],
] as const) {
  for (const range of ranges) {
    const [address = '', bits] = range.split('/');
    notPublic.addSubnet(address, Number(bits), family);
  }
}

/** Whether an address is of the internet; v4 addresses written as v6 are checked as what they are. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 0) return false;
  return !notPublic.check(address, family === 4 ? 'ipv4' : 'ipv6');
}
