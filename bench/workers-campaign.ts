/** The campaign that tells what workers are worth: so many of them, each warm, each with as many trials to run. */
import { driveBlocks } from '../src/cli/drive.ts'
import { Pool } from '../src/cli/pool.ts'
import { standardRegistry } from '../src/standard-registry.ts'
import { blocksOf } from '../src/trial/index.ts'

/** For each worker: V8 goes on making a worker's code faster for some hundreds of trials, so each must run as many. */
const TRIALS = 256
const WARM_UP_TRIALS = 128

export interface Run {
  readonly trials: number
  readonly seconds: number
  readonly cpuSeconds: number
}

export async function campaign(size: number): Promise<Run> {
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
    await drive(WARM_UP_TRIALS * size, 2)
    const before = process.cpuUsage()
    const begun = performance.now()
    await drive(TRIALS * size, 1)
    const { user, system } = process.cpuUsage(before)
    return {
      trials: TRIALS * size,
      seconds: (performance.now() - begun) / 1_000,
      cpuSeconds: (user + system) / 1_000_000,
    }
  } finally {
    await pool.close()
  }
}
