import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { jestArguments, node24, runInForeground, toolEnvironment } from './processes.mjs';

const INTERRUPTED_FROM = 128;
const reporters = ['default', fileURLToPath(new URL('result-reporter.mjs', import.meta.url))];
/** Journeys share one set of backing services, so they run one after the other in one process. */
const projects = { unit: [], journeys: ['--runInBand'] };
/** What takes too long to be run with every change. */
const faults = { faults: ['--runInBand'] };

/** Both jest projects, also when the first one fails; the last line counts both together. */
export function runTests(args) {
  return runAll(projects, args);
}

export function runFaults(args) {
  return runAll(faults, args);
}

async function runAll(wanted, args) {
  const folder = mkdtempSync(join(tmpdir(), 'verifywise-results-'));
  try {
    return await runProjects(folder, wanted, args);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runProjects(folder, wanted, args) {
  let passed = 0;
  let failed = 0;
  let exitCode = 0;
  for (const [project, own] of Object.entries(wanted)) {
    const resultFile = join(folder, `${project}.json`);
    // Jest reports on stderr; who reads a log or a pipe looks for it on stdout.
    const code = await runInForeground(node24, jestArguments(project, [...own, ...args], reporters), {
      stdio: ['ignore', 'inherit', 1],
      env: toolEnvironment({ TEST_RESULT_FILE: resultFile }),
    });
    if (code > INTERRUPTED_FROM) return code;
    const result = readResult(resultFile);
    passed += result.passed;
    failed += result.failed;
    exitCode ||= code;
  }
  // One project may have no test that fits; when none has, the filter is a mistake.
  if (args.length > 0 && exitCode === 0 && passed + failed === 0) {
    console.log(`No test matches ${args.join(' ')}`);
    return 1;
  }
  console.log(`${passed} passed, ${failed} failed`);
  return exitCode || Number(failed > 0);
}

/** What jest counted; a file that could not be run is one failure, and so is a run that ended without results. */
function readResult(file) {
  try {
    const result = JSON.parse(readFileSync(file, 'utf8'));
    return { passed: result.numPassedTests, failed: result.numFailedTests + result.numRuntimeErrorTestSuites };
  } catch {
    // Jest writes no results when the set-up before all tests failed.
    return { passed: 0, failed: 1 };
  }
}
