import { expect, test } from '@jest/globals';
import { loggableMeta, loggableText } from './loggable.ts';

const asItIs = (text: string) => text;
const withoutSecret = (text: string) => text.replaceAll('hunter22', '***');

test('a long line is cut after its secrets were taken out, so that no half of one is left', () => {
  const text = loggableText(`${'x'.repeat(16_380)}hunter22 and more`, withoutSecret);
  expect(text).toHaveLength(16_385);
  expect(text).not.toContain('hunt');
});

test('what the database cannot keep is replaced', () => {
  expect(loggableText('a\0b\ud800c', asItIs)).toBe('a\uFFFDb\uFFFDc');
  expect(loggableMeta({ 'k\0': '\0' }, asItIs)).toBe('{"k\uFFFD":"\uFFFD"}');
});

test('meta is masked in keys, values, lists and errors', () => {
  const meta = { hunter22: ['a hunter22'], error: new Error('hunter22 refused') };
  const json = loggableMeta(meta, withoutSecret) ?? '';
  expect(JSON.parse(json)).toMatchObject({ '***': ['a ***'], error: { message: '*** refused' } });
  expect(json).not.toContain('hunter22');
});

test('anything may be meta, and none of it breaks a line', () => {
  const round: { self?: unknown } = {};
  round.self = round;
  let deep: unknown = 'x';
  for (let level = 0; level < 5_000; level += 1) deep = [deep];
  const throws = Object.defineProperty({}, 'x', {
    enumerable: true,
    get() {
      throw new Error('no');
    },
  });
  expect([undefined, null, 7n, Symbol('s'), () => 1].map((meta) => loggableMeta(meta, asItIs))).toEqual([
    ...[null, null, '"7"', null, null],
  ]);
  expect(loggableMeta(new Uint8Array(5), asItIs)).toBe('"(5 bytes)"');
  for (const meta of [round, deep]) expect(loggableMeta(meta, asItIs)).toContain('…');
  expect(loggableMeta(throws, asItIs)).toBe('"(cannot be shown)"');
  expect((loggableMeta({ much: Array.from({ length: 9_000 }, () => 'word') }, asItIs) ?? '').length).toBeLessThan(
    40_000,
  );
});

test('a cut leaves no half character', () => {
  expect(loggableText(`${'x'.repeat(16_383)}👍`, asItIs).isWellFormed()).toBe(true);
  expect(loggableMeta({ much: '👍'.repeat(9_000) }, asItIs)).not.toMatch(/\\ud/);
  const json =
    loggableMeta(
      Array.from({ length: 3 }, () => `${'x'.repeat(5_456)}👍`),
      asItIs,
    ) ?? '';
  expect(json).not.toMatch(/\\ud/);
});
