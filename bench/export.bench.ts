/**
 * A trace of 100,000 events of the small cluster, exported: JSON lines, Perfetto, ShiViz. The trial itself is not counted.
 * Processor time, garbage collector included.
 */
import fc from 'fast-check'
import { SECOND } from '../src/kernel/index.ts'
import { EXPORT_FORMATS, exportTrace } from '../src/report/index.ts'
import { standardRegistry } from '../src/standard-registry.ts'
import { type Recording, record } from '../src/trial/index.ts'
import { main } from './main.ts'
import { median, type Row } from './row.ts'

export const name = 'export'

const EVENTS = 100_000
const REPETITIONS = 5

/** A run that goes on for as long as it takes to have so many events. */
function longRecording(): Recording {
  const registry = standardRegistry()
  const suite = registry.suites.get('small')
  if (suite === undefined) throw new Error('there is no suite "small"')
  const [drawn] = fc.sample(suite.arbitrary({}), { numRuns: 1, seed: 3 })
  for (let durationMicros = 600 * SECOND; durationMicros < 40_000 * SECOND; durationMicros *= 2) {
    const recording = record({ ...drawn!, faults: [], durationMicros }, registry, { maximumSteps: EVENTS })
    if (recording.kernel.steps >= EVENTS) return recording
    if (recording.result.verdict === 'failed') throw new Error(`it failed: ${recording.result.signature}`)
  }
  throw new Error(`it never comes to ${EVENTS} events`)
}

export function run(): Row[] {
  const recording = longRecording()
  return EXPORT_FORMATS.map((format): Row => {
    const seconds: number[] = []
    for (let i = 0; i < REPETITIONS; i++) {
      const before = process.cpuUsage()
      exportTrace(recording, format)
      const { user, system } = process.cpuUsage(before)
      seconds.push((user + system) / 1e6)
    }
    return { figure: `100,000 events as ${format}`, value: median(seconds), unit: 's', target: 1, atMost: true }
  })
}

await main(import.meta.url, name, run)
