import { PassThrough } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { eventually } from '../../../../test/support/eventually.ts';
import { bounded, readLines } from './isolate-output.ts';

describe('output of an isolate', () => {
  async function linesOf(...chunks: (string | Buffer)[]): Promise<string[]> {
    const output = new PassThrough();
    const lines: string[] = [];
    readLines(output, (line) => lines.push(line));
    const ended = new Promise((resolve) => output.once('end', resolve));
    for (const chunk of chunks) output.write(chunk);
    output.end();
    await ended;
    return lines;
  }

  test('comes line by line, wherever the chunks end', async () => {
    const euro = Buffer.from('€');
    expect(await linesOf('a\nb', 'c\r\n\n', euro.subarray(0, 1), euro.subarray(1), '\nend')).toEqual([
      'a',
      'bc',
      '€',
      'end',
    ]);
  });

  test('without line ends is cut into pieces instead of being kept', async () => {
    const lines = await linesOf('x'.repeat(20_000), 'x'.repeat(20_000));
    expect(lines.map(({ length }) => length)).toEqual([16_384, 16_384, 7_232]);
  });

  test('of which there is too much is counted, and told also when nothing comes after it', async () => {
    const written: number[] = [];
    const told: number[] = [];
    const log = bounded(
      (line: number) => written.push(line),
      (lines: number) => told.push(lines),
    );
    for (let line = 0; line < 5_000; line += 1) log(line);
    // The second may change while the test runs.
    expect(written.length).toBeLessThanOrEqual(1_000);
    expect(written.length).toBeGreaterThanOrEqual(500);
    await eventually(() => expect(told.reduce((sum, lines) => sum + lines, written.length)).toBe(5_000));
  });
});
