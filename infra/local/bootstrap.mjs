// What npm scripts call. Plain JavaScript without packages, because it runs on the machine's own Node before `npm ci`.
import { buildIsolate } from './bootstrap/built-files.mjs';
import { runChecks } from './bootstrap/checks.mjs';
import { ensureNode24 } from './bootstrap/node-24.mjs';
import { ensurePackages } from './bootstrap/packages.mjs';
import { Interrupted, runScript } from './bootstrap/processes.mjs';
import { runFaults, runTests } from './bootstrap/tests.mjs';

const OLDEST_NODE = 20;

const commands = {
  start: (args) => runScript('infra/local/src/start.ts', args),
  demo: (args) => runScript('infra/local/src/demo.ts', args),
  test: runTests,
  check: runChecks,
  'rotate-secrets': (args) => runScript('infra/local/src/rotate-secrets.ts', args),
  keys: (args) => runScript('infra/docker/keys.ts', args),
  why: (args) => runScript('infra/local/src/why.ts', args),
  fuzz: (args) => runScript('test/fuzz/main.ts', args),
  faults: runFaults,
  bench: (args) => runScript('test/bench/main.ts', args),
  'test:containers': (args) => runScript('infra/local/src/test-containers.ts', args),
};

async function main([command = '', ...args]) {
  if (!Object.hasOwn(commands, command)) throw new Error(`Say one of: ${Object.keys(commands).join(', ')}`);
  if (Number(process.versions.node.split('.')[0]) < OLDEST_NODE) {
    throw new Error(`This is Node ${process.versions.node}; install Node ${OLDEST_NODE} or newer`);
  }
  await ensurePackages();
  await ensureNode24();
  await buildIsolate();
  return commands[command](args);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error.message);
  process.exitCode = error instanceof Interrupted ? error.exitCode : 1;
}
