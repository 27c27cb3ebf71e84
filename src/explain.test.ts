// Failures explained, on the scenarios of fixtures/catches: the ways through the trace, the chain, the whole explanation.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { PLANTED } from '../properties/planted.ts'
import { CHAIN_LINES_MAXIMUM, explainFailure, explanationLine, printExplanation } from './report/index.ts'
import { standardRegistry } from './standard-registry.ts'
import { Past, parseScenario, record, runScenario } from './trial/index.ts'

const registry = standardRegistry()
for (const mistake of PLANTED) registry.defect(mistake)

const pinned = (name: string) => {
  const file = `fixtures/catches/${name}.json`
  return parseScenario(readFileSync(file, 'utf8'), file)
}

test.each([
  'one-leader-per-lease',
  'raft-committed-entries-never-lost',
  'raft-one-vote-per-term',
  'init-containers-run-first',
])('%s: the ways to the violation go forward in time and along edges of the trace', (name) => {
  const scenario = pinned(name)
  const recording = record(scenario, registry)
  const { kernel, result } = recording
  expect(result.traceHash).toBe(runScenario(scenario, registry).traceHash)
  const past = new Past(kernel.trace, kernel.steps)
  let ways = 0
  for (const fault of scenario.faults) {
    const way = past.wayFromDeed(`inject ${fault.id}`)
    expect(past.hasDeed(`inject ${fault.id}`)).toBe(way.length > 0)
    if (way.length === 0) continue
    ways++
    expect(way[0]!.time).toBe(fault.atMicros)
    expect(way.at(-1)).toEqual({ step: kernel.steps, time: result.virtualMicros, by: 'end' })
    for (let index = 1; index < way.length; index++) {
      const [from, to] = [way[index - 1]!, way[index]!]
      const row = kernel.trace.row(to.step)!
      if (from.by === 'scheduled') expect(row.cause).toBe(from.step)
      else if (from.by === 'same process') {
        expect(kernel.trace.row(from.step)?.target).toBe(row.target)
        expect(from.step).toBeLessThan(to.step)
      } else expect(from.step).toBeLessThan(0)
      expect(from.time).toBeLessThanOrEqual(to.time)
    }
  }
  expect(ways).toBeGreaterThan(0)
})

test('every version of an object is recorded with the event that made it', () => {
  const { versions, kernel } = record(pinned('one-leader-per-lease'), registry)
  expect(versions.length).toBeGreaterThan(50)
  for (const { step, time, revision } of versions) {
    expect(kernel.trace.row(step)?.time).toBe(time)
    expect(revision).toBeGreaterThan(0)
  }
  const pods = versions.filter(({ resource }) => resource === 'pods')
  expect(new Set(pods.map(({ change }) => change))).toContain('created')
})

test.each([
  'one-leader-per-lease',
  'raft-committed-entries-never-lost',
  'pods-of-silent-nodes-are-not-ready',
  'terminal-pod-is-not-ready',
])('%s: explained from what it needs to what broke', (name) => {
  const scenario = pinned(name)
  const explanation = explainFailure(
    scenario,
    registry,
    (candidate, options) => runScenario(candidate, registry, options),
    { branches: 2, points: 3 },
  )!
  const { chain, ablation, signature, certainty, neighbour, differences } = explanation
  expect(signature).toMatch(new RegExp(`^${name}/`))
  expect(runScenario(ablation.scenario, registry).signature).toBe(signature)
  expect(ablation.needed.every(({ passesWithout }) => passesWithout)).toBe(true)
  expect(chain.length).toBeLessThanOrEqual(CHAIN_LINES_MAXIMUM)
  expect(chain.filter(({ reason }) => reason === 'needed')).toHaveLength(ablation.needed.length)
  expect([chain[0]?.reason, chain.at(-1)?.reason]).toEqual(['needed', 'violation'])
  expect(chain.map(({ atMicros }) => atMicros)).toEqual(chain.map(({ atMicros }) => atMicros).toSorted((a, b) => a - b))
  expect(chain.some(({ reason }) => reason === 'so')).toBe(true)
  expect(certainty?.points.at(-1)?.failing).toBe(2)
  expect(runScenario(neighbour!.scenario, registry).verdict).toMatch(/passed|vacuous/)
  expect(differences!.failing).not.toBe(differences!.passing)
  const text = printExplanation(explanation, scenario, registry)
  for (const part of ['WHAT IT NEEDS', 'HOW IT CAME ABOUT', 'WHEN IT WAS CERTAIN', 'WHAT WOULD HAVE BEEN ENOUGH'])
    expect(text).toContain(part)
  expect(JSON.parse(explanationLine(explanation))).toMatchObject({ type: 'explanation', signature, chain })
})

test('what does not fail is not explained', () => {
  const scenario = { ...pinned('one-leader-per-lease'), defects: [] }
  expect(explainFailure(scenario, registry, (candidate) => runScenario(candidate, registry))).toBeUndefined()
})
