import { expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const run = (program: string, argument: string) =>
  spawnSync(process.execPath, [fileURLToPath(new URL(program, import.meta.url)), argument], { encoding: 'utf8' });

test('what every object has is no command', () => {
  const { status, stderr } = run('../bootstrap.mjs', 'toString');
  expect(stderr).toBe(
    'Say one of: start, demo, test, check, rotate-secrets, keys, why, fuzz, faults, bench, test:containers\n',
  );
  expect(status).toBe(1);
});

test.each(['start', 'demo', 'rotate-secrets'])(
  '%s refuses an argument it does not know, and starts nothing',
  (command) => {
    const { status, stdout, stderr } = run(`../src/${command}.ts`, '--sideways');
    expect(stderr).toMatch(/^--sideways is not known; .*\n$/);
    expect(stdout).toBe('');
    expect(status).toBe(1);
  },
);
