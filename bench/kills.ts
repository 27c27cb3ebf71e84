/**
 * Kills campaigns at random moments, a thousand times unless told otherwise (`npm run kills -- 50`), up to ten times each, and
 * checks each time that nothing reported is lost, no file is half, and that the campaign goes on without running a trial twice.
 * Needs a build. KILLS_WITHIN_MILLIS: the latest moment after a start; KILLS_FOR_SECONDS: no new campaign after that.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { killOften, TRIALS_TO_KILL } from '../src/cli/testing-kills.ts'

const kills = Number(process.argv[2] ?? 1_000)
const file = resolve('dist/src/cli/start.js')
if (!Number.isInteger(kills) || kills < 1 || !existsSync(file)) {
  console.error('usage: npm run build && npm run kills -- <number of kills>')
  process.exit(2)
}
const MOST_MILLIS = Number(process.env.KILLS_WITHIN_MILLIS ?? 3_000)
const folder = mkdtempSync(join(tmpdir(), 'seatrial-kills-'))
const PER_CAMPAIGN = 10
const forMillis = Number(process.env.KILLS_FOR_SECONDS ?? Number.POSITIVE_INFINITY) * 1_000
const begun = performance.now()
let done = 0
let campaigns = 0
const problems: string[] = []
try {
  while (done < kills && performance.now() - begun < forMillis) {
    const dir = String(campaigns++)
    const moments = Array.from({ length: Math.min(PER_CAMPAIGN, kills - done) }, () => Math.random() * MOST_MILLIS)
    const outcome = await killOften(file, folder, dir, moments)
    done += outcome.kills
    const wrong = [
      ...outcome.lost.map((what) => `lost ${what}`),
      ...outcome.halves.map((what) => `half ${what}`),
      ...outcome.twice.map((what) => `twice ${what}`),
      ...(outcome.trials === TRIALS_TO_KILL ? [] : [`${outcome.trials} trials instead of ${TRIALS_TO_KILL}`]),
    ]
    problems.push(...wrong)
    for (const what of wrong)
      console.error(`campaign ${dir}, killed after ${moments.map(Math.round).join(', ')} ms: ${what}`)
    rmSync(join(folder, dir), { recursive: true, force: true })
    console.log(`${done} of ${kills} kills in ${campaigns} campaigns, ${problems.length} problems`)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
console.log(`${done} kills before their campaign had ended, in ${campaigns} campaigns, ${problems.length} problems`)
process.exitCode = problems.length === 0 ? 0 : 1
