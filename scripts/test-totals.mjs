// Prints the totals of a vitest JSON report as `N passed, N failed`. Arguments: the report, whether the test run as a whole failed (0 or 1),
// how many other checks failed. A test file that did not load, or a run that failed without a failed test, counts as one failure.
import { existsSync, readFileSync } from 'node:fs';

const [report, runFailed, otherFailures] = process.argv.slice(2);
const { numPassedTests: passed, testResults } = existsSync(report)
  ? JSON.parse(readFileSync(report, 'utf8'))
  : { numPassedTests: 0, testResults: [] };

let failed = 0;
for (const { status, assertionResults } of testResults) {
  const failures = assertionResults.filter((test) => test.status === 'failed').length;
  failed += status === 'failed' ? Math.max(1, failures) : 0;
}
failed = Math.max(failed, Number(runFailed)) + Number(otherFailures);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
