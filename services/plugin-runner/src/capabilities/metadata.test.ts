import { describe, expect, test } from '@jest/globals';
import type { MetadataRecords } from './metadata.ts';
import { metadataCapabilities } from './metadata.ts';

/** Remembers what would be stored; names and sizes are checked before anything gets here. */
function remembering() {
  const stored: unknown[] = [];
  const records = {
    set: (...request: unknown[]) => {
      stored.push(request);
      return Promise.resolve();
    },
    get: () => Promise.resolve(null),
  } as unknown as MetadataRecords;
  return { stored, metadata: metadataCapabilities('acme', 'notes', records) };
}

describe('metadata of a plugin', () => {
  test('is stored under its own tenant and plugin, as JSON', async () => {
    const { stored, metadata } = remembering();
    await metadata['metadata.set']('risk', 7, { 'last:sync': { at: 1 } });
    expect(stored).toEqual([['acme', 'notes', 'risk', 7, [['last:sync', '{"at":1}']]]]);
  });

  test.each([
    ['an entity type with a dash', 'risk-item', 1, 'k'],
    ['an empty entity type', '', 1, 'k'],
    ['a negative id', 'risk', -1, 'k'],
    ['a fraction', 'risk', 1.5, 'k'],
    ['an id beyond what JSON keeps exactly', 'risk', 2 ** 60, 'k'],
    ['an id as text', 'risk', '1', 'k'],
    ['a key with a space', 'risk', 1, 'a b'],
    ['a key that begins with a digit', 'risk', 1, '1a'],
    ['a key of 255 characters', 'risk', 1, 'k'.repeat(255)],
    ['a key that is no text', 'risk', 1, null],
  ])('%s is refused', async (_what, type, id, key) => {
    const { metadata } = remembering();
    await expect(metadata['metadata.get'](type, id as number, key as string)).rejects.toMatchObject({
      code: 'METADATA_INVALID',
    });
  });

  test('a value over 256 kB is refused with its size, and nothing is stored', async () => {
    const { stored, metadata } = remembering();
    const value = 'x'.repeat(256 * 1024);
    await expect(metadata['metadata.set']('risk', 1, { k: value })).rejects.toMatchObject({
      code: 'METADATA_TOO_LARGE',
    });
    expect(stored).toEqual([]);
  });

  test('the one character PostgreSQL cannot store is refused in words', async () => {
    const { metadata } = remembering();
    await expect(metadata['metadata.set']('risk', 1, { k: 'a\u0000b' })).rejects.toThrow('NUL');
  });
});
