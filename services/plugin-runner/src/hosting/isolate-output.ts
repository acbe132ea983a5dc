import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';

/** A longer line is cut into pieces, so that output without line ends does not pile up in the runner. */
const LONGEST_LINE = 16_384;

/** Calls `line` for every line of an isolate's output. */
export function readLines(output: Readable, line: (text: string) => void): void {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  const take = (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    while (rest.length > LONGEST_LINE) {
      lines.push(rest.slice(0, LONGEST_LINE));
      rest = rest.slice(LONGEST_LINE);
    }
    for (const whole of lines) if (whole.trim() !== '') line(whole.trimEnd().slice(0, LONGEST_LINE));
  };
  output.on('data', (chunk: Buffer) => take(decoder.write(chunk)));
  output.once('end', () => take(`${decoder.end()}\n`));
  // The end of the process is told by the process itself.
  output.on('error', () => undefined);
}

/** More lines a second than anybody reads are counted instead of logged. */
const LINES_A_SECOND = 500;

/** Lets through what a log can take in each second, and says how much was left out, also when nothing comes after it. */
export function bounded<Line extends unknown[]>(
  write: (...line: Line) => void,
  leftOut: (lines: number) => void,
): (...line: Line) => void {
  let since = 0;
  let lines = 0;
  let telling: NodeJS.Timeout | undefined;
  const endSecond = () => {
    clearTimeout(telling);
    telling = undefined;
    if (lines > LINES_A_SECOND) leftOut(lines - LINES_A_SECOND);
    lines = 0;
  };
  return (...line) => {
    const now = performance.now();
    if (now - since >= 1_000) {
      endSecond();
      since = now;
    }
    lines += 1;
    if (lines <= LINES_A_SECOND) write(...line);
    else telling ??= setTimeout(endSecond, 1_000 - (now - since)).unref();
  };
}
