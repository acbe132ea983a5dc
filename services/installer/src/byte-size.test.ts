import { expect, test } from '@jest/globals';
import { byteSize } from './byte-size.ts';

test.each([
  [50 * 1024 * 1024, '50 MB'],
  [1024 * 1024, '1 MB'],
  [1_600_000, '1.5 MB'],
  [1_000, '1000 bytes'],
])('%i bytes are written as %s', (bytes, written) => {
  expect(byteSize(bytes)).toBe(written);
});
