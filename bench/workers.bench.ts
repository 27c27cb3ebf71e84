/**
 * What a second worker is worth: the same campaign with one worker and with two. Besides the rate, which needs two cores
 * that nobody else uses, the CPU time of a trial: what a second worker costs more than the first is what it is not worth. And
 * what the machine has to give: two processes with a worker each, which share nothing but its caches and its memory.
 */
import { execFile } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { main } from './main.ts'
import { median, type Row } from './row.ts'
import { campaign, type Run } from './workers-campaign.ts'

export const name = 'workers'

const REPEATS = 3

/** Trials a second of so many processes at once. */
async function processes(count: number): Promise<number> {
  const file = fileURLToPath(new URL('./workers-alone.ts', import.meta.url))
  const run = promisify(execFile)
  const outputs = await Promise.all(
    Array.from({ length: count }, () => run(process.execPath, ['--import', 'tsx', file])),
  )
  return outputs.reduce((sum, { stdout }) => sum + Number(stdout), 0)
}

export async function run(): Promise<Row[]> {
  const one: Run[] = []
  const two: Run[] = []
  const alone: number[] = []
  const beside: number[] = []
  for (let index = 0; index < REPEATS; index++) {
    one.push(await campaign(1))
    two.push(await campaign(2))
    alone.push(await processes(1))
    beside.push(await processes(2))
  }
  const rate = (runs: readonly Run[]) => median(runs.map(({ trials, seconds }) => trials / seconds))
  const cost = (runs: readonly Run[]) => median(runs.map(({ trials, cpuSeconds }) => cpuSeconds / trials))
  return [
    { figure: 'trials/s of the suite small with 1 worker', value: rate(one), unit: 'trials/s' },
    {
      figure: `trials/s of the suite small with 2 workers (${availableParallelism()} cores)`,
      value: rate(two),
      unit: 'trials/s',
    },
    { figure: 'trials/s with 2 workers over those with 1', value: rate(two) / rate(one), unit: 'times', target: 1.8 },
    {
      figure: 'what 2 processes that share nothing are worth on this machine',
      value: median(beside) / median(alone),
      unit: 'times',
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
