import { describe, expect, test } from '@jest/globals';
import { Egress } from './egress.ts';

const to = (host: string, port: number | undefined, address = host) => ({ host, port, address });

describe('where plugins may connect to', () => {
  test.each(['8.8.8.8', '2606:4700:4700::1111'])('the internet: %s', (address) => {
    expect(new Egress([]).refusal(to('example.com', 443, address))).toBeUndefined();
  });

  test.each([
    ...['127.0.0.1', '127.255.255.254', '0.0.0.0', '10.1.2.3', '172.31.0.1', '192.168.0.1', '100.64.0.1'],
    ...['169.254.169.254', '224.0.0.1', '255.255.255.255', '::', '::1', '::1%lo', '::ffff:127.0.0.1', '::ffff:7f00:1'],
    ...['::127.0.0.1', 'fe80::1', 'fe80::1%eth0', 'fd12::1', 'ff02::1', '64:ff9b::7f00:1', 'not an address', ''],
  ])('not this machine, its neighbours and what clouds answer on: %s', (address) => {
    const refusal = new Egress([]).refusal(to('inside.example', 80, address));
    expect(refusal).toMatchObject({ name: 'EgressRefusedError', code: 'EGRESS_REFUSED' });
    expect(refusal?.message).toContain(`inside.example (${address}) at port 80`);
    expect(refusal?.message).toContain('PLUGIN_EGRESS_ALLOW');
  });

  test.each([
    ['a host', 'db.internal', to('db.internal', 5432, '10.0.0.5'), true],
    ['a host, however it is written', 'DB.internal', to('db.INTERNAL.', 1, '10.0.0.5'), true],
    ['a host and no other', 'db.internal', to('xdb.internal', 1, '10.0.0.5'), false],
    ['a host and not what is below it', 'internal', to('db.internal', 1, '10.0.0.5'), false],
    ['a host at one port', 'db.internal:5432', to('db.internal', 5432, '10.0.0.5'), true],
    ['a host at no other port', 'db.internal:5432', to('db.internal', 22, '10.0.0.5'), false],
    ['an address', '10.0.0.5', to('anything', 22, '10.0.0.5'), true],
    ['an address written as v6', '10.0.0.5', to('anything', 22, '::ffff:10.0.0.5'), true],
    ['an address and not the next', '10.0.0.5', to('anything', 22, '10.0.0.6'), false],
    ['an address at one port', '10.0.0.5:80', to('10.0.0.5', 80), true],
    ['an address at no other port', '10.0.0.5:80', to('10.0.0.5', 81), false],
    ['a v6 address', 'fd00::5', to('anything', 22, 'fd00:0::5'), true],
    ['a v6 address at one port', '[fd00::5]:80', to('fd00::5', 80), true],
    ['a v6 address at no other port', '[fd00::5]:80', to('fd00::5', 81), false],
    ['a range', '10.0.0.0/8', to('10.255.0.1', 1), true],
    ['a range and nothing beside it', '10.0.0.0/8', to('11.0.0.1.nip.io', 1, '192.168.0.1'), false],
    ['a range at one port', '10.0.0.0/8:80', to('10.0.0.1', 80), true],
    ['a range at no other port', '10.0.0.0/8:80', to('10.0.0.1', 81), false],
    ['a v6 range', 'fd00::/8', to('fd12::1', 1), true],
    ['a v6 range at one port', '[fd00::/8]:80', to('fd12::1', 81), false],
  ] as const)('beyond it, what the operator allows: %s', (_what, entry, destination, allowed) => {
    expect(new Egress(['other.example', entry]).refusal(destination) === undefined).toBe(allowed);
  });

  test.each([
    '10.0.0.0/33',
    '10.0.0.0/',
    'fd00::/129',
    'db.internal/8',
    'http://db.internal',
    'db internal',
    '*',
    'db:0',
    'db:70000',
    '[fd00::1',
    '',
  ])('an entry that is none is refused: %s', (entry) => {
    expect(() => new Egress([entry])).toThrow(`"${entry}"`);
  });
});
