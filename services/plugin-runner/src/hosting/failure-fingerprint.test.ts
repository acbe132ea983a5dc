import { expect, test } from '@jest/globals';
import { fingerprintOf } from './failure-fingerprint.ts';

const of = (message: string, event = 'risk:created') => fingerprintOf(event, message);

test('failures that differ in ids and numbers are alike', () => {
  expect(of('Risk 17 of 6d4f0a52-0c6b-4b7a-8a53-5b0f2f0f7f11 is gone')).toBe(
    of('Risk 2 of 00000000-0000-4000-8000-000000000000 is gone'),
  );
});

test('other words and other events are other failures', () => {
  expect(new Set([of("reading 'title'"), of("reading 'name'"), of("reading 'title'", 'task:created')]).size).toBe(3);
});
