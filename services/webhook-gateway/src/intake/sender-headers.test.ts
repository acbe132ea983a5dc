import { describe, expect, test } from '@jest/globals';
import { headersForPlugin, headersForSender, maskedHeaders } from './sender-headers.ts';

describe('the headers of a sender', () => {
  test('pass without those of the connection and those that claim an identity', () => {
    const raw = [
      'Connection',
      'close, X-Hop',
      'X-Hop',
      '1',
      'TE',
      'trailers',
      'X-Tenant-Id',
      'globex',
      'x-user-role',
      'Admin',
    ];
    expect(headersForPlugin([...raw, 'X-Hub-Signature-256', 'sha256=1', 'X-Usercentrics', 'stays'])).toEqual({
      'x-hub-signature-256': 'sha256=1',
      'x-usercentrics': 'stays',
    });
  });

  test('that come twice are a list', () => {
    expect(headersForPlugin(['A', '1', 'a', '2', 'A', '3'])).toEqual({ a: ['1', '2', '3'] });
  });

  test('are shown to admins without what proves the sender', () => {
    const masked = maskedHeaders({
      authorization: 'Basic x',
      'stripe-signature': 'v1',
      'x-gitlab-token': 't',
      'user-agent': 'GitHub',
    });
    expect(masked).toEqual({
      ...{ authorization: '••••••••', 'stripe-signature': '••••••••', 'x-gitlab-token': '••••••••' },
      'user-agent': 'GitHub',
    });
  });
});

test('the headers of an answer pass without length, connection and request id', () => {
  const headers = {
    'Content-Type': 'text/plain',
    'Content-Length': '3',
    connection: 'close',
    'X-Request-Id': 'theirs',
  };
  expect(headersForSender(headers)).toEqual({ 'Content-Type': 'text/plain' });
});
