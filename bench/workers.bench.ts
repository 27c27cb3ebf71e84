/**
 * What a second worker is worth: the same campaign with one worker and with two. Besides the rate, which needs two cores
 * that nobody else uses, the CPU time of a trial: what a second worker costs more than the first is what it is not worth.
 */
import { availableParallelism } from 'node:os'
import { driveBlocks } from '../src/cli/drive.ts'
import { Pool } from '../src/cli/pool.ts'
import { standardRegistry } from '../src/standard-registry.ts'
import { blocksOf } from '../src/trial/index.ts'
import { main } from './main.ts'
import { median, type Row } from './row.ts'

export const name = 'workers'

const TRIALS = 384
const REPEATS = 3

interface Run {
  readonly seconds: number
  readonly cpuSeconds: number
}

async function campaign(size: number): Promise<Run> {
  const registry = standardRegistry()
  const pool = new Pool({ size, setup: {}, watchdogMillis: 60_000 })
  try {
    // Workers are warm when the clock starts.
    await Promise.all(Array.from({ length: size }, () => pool.run({ kind: 'hello' })))
    const drive = async (most: number, seed: number) => {
      const plan = {
        suites: ['small'],
        defects: [],
        seed,
        shard: { index: 1, count: 1 },
        blockTrials: 32,
        seedTrials: 4_096,
        most,
      }
      let trials = 0
      await driveBlocks(
        { registry, pool, sampleEvery: Number.POSITIVE_INFINITY, isStopped: () => false, onTrial: () => void trials++ },
        blocksOf(plan),
      )
      if (trials !== most) throw new Error(`${trials} trials instead of ${most}`)
    }
    await drive(64 * size, 2)
    const before = process.cpuUsage()
    const begun = performance.now()
    await drive(TRIALS, 1)
    const { user, system } = process.cpuUsage(before)
    return { seconds: (performance.now() - begun) / 1_000, cpuSeconds: (user + system) / 1_000_000 }
  } finally {
    await pool.close()
  }
}

export async function run(): Promise<Row[]> {
  const one: Run[] = []
  const two: Run[] = []
  for (let index = 0; index < REPEATS; index++) {
    one.push(await campaign(1))
    two.push(await campaign(2))
  }
  const rate = (runs: readonly Run[]) => TRIALS / median(runs.map(({ seconds }) => seconds))
  const cost = (runs: readonly Run[]) => median(runs.map(({ cpuSeconds }) => cpuSeconds)) / TRIALS
  return [
    { figure: 'trials/s of the suite small with 1 worker', value: rate(one), unit: 'trials/s' },
    {
      figure: `trials/s of the suite small with 2 workers (${availableParallelism()} cores)`,
      value: rate(two),
      unit: 'trials/s',
      ratio: { to: '1 worker', value: rate(two) / rate(one) },
    },
    {
      figure: 'what 2 workers are worth by the CPU time of a trial, 2 cores given',
      value: (2 * cost(one)) / cost(two),
      unit: 'times',
      target: 1.8,
    },
  ]
}

await main(import.meta.url, name, run)
