import { BlockList, isIP } from 'node:net';
import { expect, test } from '@jest/globals';
import { addressRange, addressWords, isInRange } from './address-range.ts';

test.each([
  ['1.2.3.4', [0, 0, 0, 0, 0, 0xffff, 0x102, 0x304]],
  ['255.0.255.10', [0, 0, 0, 0, 0, 0xffff, 0xff00, 0xff0a]],
  ['::ffff:1.2.3.4', [0, 0, 0, 0, 0, 0xffff, 0x102, 0x304]],
  ['::1.2.3.4', [0, 0, 0, 0, 0, 0, 0x102, 0x304]],
  ['1:2:3:4:5:6:1.2.3.4', [1, 2, 3, 4, 5, 6, 0x102, 0x304]],
  ['::', [0, 0, 0, 0, 0, 0, 0, 0]],
  ['::1', [0, 0, 0, 0, 0, 0, 0, 1]],
  ['fe80::', [0xfe80, 0, 0, 0, 0, 0, 0, 0]],
  ['2001:DB8::a:0:10', [0x2001, 0xdb8, 0, 0, 0, 0xa, 0, 0x10]],
  ['1:2:3:4:5:6:7::', [1, 2, 3, 4, 5, 6, 7, 0]],
  ['::2:3:4:5:6:7:8', [0, 2, 3, 4, 5, 6, 7, 8]],
  ['1:2:3:4:5:6:7:8', [1, 2, 3, 4, 5, 6, 7, 8]],
])('%s is read', (address, words) => {
  expect(addressWords(address)).toEqual(words);
});

test.each(['', 'localhost', '1.2.3', '1.2.3.256', '1::2::3', '12345::'])('"%s" is no address', (address) => {
  expect(addressWords(address)).toBeUndefined();
  expect(addressRange(address, 8)).toBeUndefined();
});

test('ranges contain what Node says they contain', () => {
  const addresses = ['10.0.0.0', '10.127.255.255', '10.128.0.0', '11.0.0.0', '::ffff:10.1.2.3', '::a01:203', 'fd00::1'];
  addresses.push('fd7f:ffff::', 'fd80::', 'fe80::1', '2001:db8:0:1::', '2001:db8:0:fffe::', '::', '0.0.0.0');
  const ranges = [
    '10.0.0.0/8',
    '10.0.0.0/9',
    '10.1.2.3/32',
    '0.0.0.0/0',
    'fd00::/8',
    'fd00::/9',
    '2001:db8::/63',
    '::/96',
  ];
  for (const range of ranges) {
    const [start = '', bits] = range.split('/');
    const list = new BlockList();
    list.addSubnet(start, Number(bits), isIP(start) === 4 ? 'ipv4' : 'ipv6');
    const read = addressRange(start, Number(bits));
    for (const address of addresses) {
      const expected = list.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6');
      expect([range, address, isInRange(addressWords(address) ?? [], read ?? { words: [], bits: 0 })]).toEqual([
        range,
        address,
        expected,
      ]);
    }
  }
});
