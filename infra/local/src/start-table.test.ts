import { expect, test } from '@jest/globals';
import { startTable, withoutPassword } from './start-table.ts';

test('the table says what runs where, gives tokens, and ends with the page to open', () => {
  const rows = [
    { name: 'demo-platform', where: 'http://127.0.0.1:4000', what: 'open this' },
    { name: 'installer', where: 'http://127.0.0.1:4002' },
  ];
  expect(startTable(rows, [{ tenant: 'acme', token: 'abc' }], 'http://127.0.0.1:4000').split('\n')).toEqual([
    '  demo-platform  http://127.0.0.1:4000  open this',
    '  installer      http://127.0.0.1:4002',
    '',
    'Tokens of two admins, good for curl:',
    '  export ACME=abc',
    '  curl -H "Authorization: Bearer $ACME" http://127.0.0.1:4000/api/marketplace',
    '',
    'Open http://127.0.0.1:4000 in a browser. Ctrl-C stops everything.',
  ]);
});

test('a password in an address is not shown', () => {
  expect(withoutPassword('amqp://guest:guest@127.0.0.1:5672')).toBe('amqp://guest:***@127.0.0.1:5672');
  expect(withoutPassword('redis://127.0.0.1:6379')).toBe('redis://127.0.0.1:6379');
});
