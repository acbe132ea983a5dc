import { writeFileSync } from 'node:fs';

/** Leaves what jest counted in the file TEST_RESULT_FILE; jest's own --outputFile writes a line about itself. */
export default class ResultReporter {
  onRunComplete(_tests, { numPassedTests, numFailedTests, numRuntimeErrorTestSuites }) {
    const result = { numPassedTests, numFailedTests, numRuntimeErrorTestSuites };
    writeFileSync(process.env.TEST_RESULT_FILE, JSON.stringify(result));
  }
}
