/**
 * Kills a campaign at random moments, a thousand times unless told otherwise (`npm run kills -- 50`), and checks each time
 * that nothing reported is lost, no file is half, and the campaign goes on without running a trial twice. Needs a build.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { killOnce, TRIALS_TO_KILL } from '../src/cli/testing-kills.ts'

const kills = Number(process.argv[2] ?? 1_000)
const file = resolve('dist/src/cli/start.js')
if (!Number.isInteger(kills) || kills < 1 || !existsSync(file)) {
  console.error('usage: npm run build && npm run kills -- <number of kills>')
  process.exit(2)
}
const MOST_MILLIS = Number(process.env.KILLS_WITHIN_MILLIS ?? 3_000)
const folder = mkdtempSync(join(tmpdir(), 'seatrial-kills-'))
let inTime = 0
const problems: string[] = []
try {
  for (let index = 0; index < kills; index++) {
    const moment = Math.random() * MOST_MILLIS
    const { lost, halves, twice, trials, killed } = await killOnce(file, folder, String(index), moment)
    if (killed) inTime++
    const wrong = [
      ...lost.map((what) => `lost ${what}`),
      ...halves.map((what) => `half ${what}`),
      ...twice.map((what) => `twice ${what}`),
      ...(trials === TRIALS_TO_KILL ? [] : [`${trials} trials instead of ${TRIALS_TO_KILL}`]),
    ]
    problems.push(...wrong.map((what) => `kill ${index} after ${moment.toFixed(1)} ms: ${what}`))
    for (const what of wrong) console.error(what)
    rmSync(join(folder, String(index)), { recursive: true, force: true })
    if ((index + 1) % 10 === 0)
      console.log(`${index + 1} of ${kills}: ${inTime} killed in time, ${problems.length} problems`)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
console.log(`${kills} kills, ${inTime} before the campaign had ended, ${problems.length} problems`)
process.exitCode = problems.length === 0 ? 0 : 1
