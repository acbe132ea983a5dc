import { expect, test } from '@jest/globals';
import { PlatformError } from '@verifywise/contracts';
import { publishInOrder, type PublishEvent } from './publish-in-order.ts';
import type { WaitingEvent } from './waiting-events.ts';

const never = new AbortController().signal;

function events(...ids: string[]): WaitingEvent[] {
  return ids.map((id) => ({ id, eventId: id, event: 'a:b', tenant: 'acme', emittedAt: new Date(), payload: '{}' }));
}

test('all are handed over in order before the first is confirmed', async () => {
  const begun: string[] = [];
  const gate = Promise.withResolvers<undefined>();
  const publish: PublishEvent = async ({ eventId: id }) => {
    begun.push(id);
    await gate.promise;
  };
  const publishing = publishInOrder(events('1', '2', '3'), publish, never);
  expect(begun).toEqual(['1', '2', '3']);
  gate.resolve(undefined);
  expect(await publishing).toEqual({ confirmed: ['1', '2', '3'], unpublishable: [] });
});

test('a failure withdraws what is not on the wire, so nothing overtakes the failed one', async () => {
  const failure = new Error('refused');
  const publish: PublishEvent = ({ eventId: id }, signal) => {
    if (id === '1') return Promise.resolve();
    if (id === '2') return Promise.reject(failure);
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error));
    });
  };
  expect(await publishInOrder(events('1', '2', '3'), publish, never)).toEqual({
    confirmed: ['1'],
    unpublishable: [],
    failure,
  });
});

test('one that can never be published holds up none of the others', async () => {
  const publish: PublishEvent = ({ eventId: id }) =>
    id === '2' ? Promise.reject(new PlatformError('TOO_LARGE', 'It is too large')) : Promise.resolve();
  expect(await publishInOrder(events('1', '2', '3'), publish, never)).toEqual({
    confirmed: ['1', '3'],
    unpublishable: [{ id: '2', reason: 'TOO_LARGE: It is too large' }],
  });
});
