/**
 * Prints "passed failed" for a Vitest JSON report (first argument). A file that could not be loaded counts as one failure,
 * and so does a run that ended badly (second argument: its exit status) without naming any. Skipped tests count as neither.
 */
import { readFileSync } from 'node:fs'

const report = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const status = Number(process.argv[3] ?? 0)

let passed = 0
let failed = 0
for (const file of report.testResults) {
  const states = file.assertionResults.map((test) => test.status)
  passed += states.filter((state) => state === 'passed').length
  const broken = states.filter((state) => state === 'failed').length
  failed += broken === 0 && file.status === 'failed' ? 1 : broken
}
if (passed === 0 || (status !== 0 && failed === 0)) failed++
console.log(`${passed} ${failed}`)
