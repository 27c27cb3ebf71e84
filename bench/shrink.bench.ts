/**
 * Shrinking, for every historical bug of which a failing trial is known: how small the failure becomes, beside the least that
 * any choice of its faults and steps has, and in how much processor time. The failing scenarios are those of
 * fixtures/catches and, for other bugs, of fixtures/failures, each as it was drawn. The least is found by trying every smaller
 * choice, the smallest first.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { DEFECTS } from '../chaos/index.ts'
import { standardRegistry } from '../src/standard-registry.ts'
import { itemsOf, parseScenario, runScenario, type Scenario } from '../src/trial/index.ts'
import { fewestItems, shrinkWhole } from '../src/trial/testing.ts'
import { main } from './main.ts'
import { median, type Row } from './row.ts'

export const name = 'shrink'

const FOLDERS = ['catches', 'failures'].map((folder) => new URL(`../fixtures/${folder}/`, import.meta.url))
const WARM_UP = 40

const registry = standardRegistry()

function failing(): ReadonlyMap<string, Scenario> {
  const found = new Map<string, Scenario>()
  for (const folder of FOLDERS)
    for (const file of readdirSync(folder).filter((name) => name.endsWith('.json'))) {
      const scenario = parseScenario(readFileSync(new URL(file, folder), 'utf8'), file)
      const [defect = ''] = scenario.defects
      if (registry.defects.has(defect) && !found.has(defect)) found.set(defect, scenario)
    }
  return found
}

/** Of nothing nothing more can be taken out: one where none is needed counts as twice as much. */
function ratioOf(size: number, minimum: number): number {
  return (size + 1) / (minimum + 1)
}

function seconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000_000
}

export function run(): Row[] {
  const scenarios = failing()
  for (const scenario of [...scenarios.values()].slice(0, WARM_UP)) runScenario(scenario, registry)
  const rows: Row[] = []
  const times: number[] = []
  let worst = 0
  for (const { id, suite } of DEFECTS) {
    const scenario = scenarios.get(id)
    if (scenario === undefined) continue
    const result = runScenario(scenario, registry)
    if (result.signature === undefined) throw new Error(`${id}: its scenario does not fail any more`)
    const begun = seconds()
    const outcome = shrinkWhole(registry, suite, scenario, result)
    const took = seconds() - begun
    const size = itemsOf(outcome.scenario).length
    const minimum = fewestItems(registry, scenario, result.signature)
    times.push(took)
    if (minimum !== undefined) worst = Math.max(worst, ratioOf(size, minimum))
    const from = itemsOf(scenario).length
    console.error(
      `${id}: ${from} to ${size}, least ${minimum ?? 'unknown'}, ${outcome.executions} executions, ${took.toFixed(1)} s`,
    )
    rows.push({
      figure: `shrunk: ${id}`,
      value: took,
      unit: 's',
      ...(minimum === undefined
        ? {}
        : { ratio: { to: `the least size (${minimum} of ${from})`, value: ratioOf(size, minimum) } }),
    })
  }
  return [
    {
      figure: `shrinking ${rows.length} of ${DEFECTS.length} bugs: median`,
      value: median(times),
      unit: 's',
      target: 5,
      atMost: true,
    },
    { figure: 'shrinking: the longest', value: Math.max(...times), unit: 's', target: 30, atMost: true },
    { figure: 'shrinking: the worst size beside the least', value: worst, unit: 'times', target: 1.5, atMost: true },
    ...rows,
  ]
}

await main(import.meta.url, name, run)
