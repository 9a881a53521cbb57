// Prints the totals of vitest's JSON reports as `N passed, N failed`. Arguments: how many checks failed, how many of them were no test runs,
// and the reports. A check that is no test run counts as one failure; so does a test file that did not load.
import { readFileSync } from 'node:fs';

const [failedChecks, failedOtherChecks, ...reports] = process.argv.slice(2);

let passed = 0;
let failed = Number(failedOtherChecks);
for (const report of reports) {
  const { numPassedTests, testResults } = JSON.parse(readFileSync(report, 'utf8'));
  passed += numPassedTests;
  for (const { status, assertionResults } of testResults) {
    const failures = assertionResults.filter((test) => test.status === 'failed').length;
    failed += status === 'failed' ? Math.max(1, failures) : 0;
  }
}
// A run may also fail without a failed test.
failed = Math.max(failed, Number(failedChecks));
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
