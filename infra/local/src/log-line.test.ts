import { expect, test } from '@jest/globals';
import { tellingLine } from './log-line.ts';

test('of a service that logs JSON it is the last error, with its cause', () => {
  const log = [
    '{"level":30,"msg":"starting"}',
    '{"level":60,"msg":"could not start","err":{"message":"no database"}}',
    '{"level":30,"msg":"stopped"}',
  ].join('\n');
  expect(tellingLine(log)).toBe('could not start: no database');
});

test('of a program that writes text it is the last line that sounds like a reason', () => {
  expect(tellingLine('starting\nFATAL: lock file exists\n    at ErrorFile (x.js)\nbye\n')).toBe(
    'FATAL: lock file exists',
  );
});

test('a log without a reason tells its last line, an empty one nothing', () => {
  expect(tellingLine('one\ntwo\n---\n')).toBe('two');
  expect(tellingLine('\n')).toBeUndefined();
});
