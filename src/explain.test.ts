// Failures explained, on the scenarios of fixtures/catches: the ways through the trace, the chain, the whole explanation.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { PLANTED } from '../properties/planted.ts'
import {
  CHAIN_LINES_MAXIMUM,
  causalSignature,
  explainFailure,
  explanationLine,
  printExplanation,
  STORY_LINES_MAXIMUM,
  tell,
  whyOf,
} from './report/index.ts'
import { standardRegistry } from './standard-registry.ts'
import {
  ablate,
  irrelevantItems,
  itemsOf,
  Past,
  parseScenario,
  type RunTrial,
  record,
  runScenario,
  withItems,
} from './trial/index.ts'

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
  'raft-committed-entries-never-lost',
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

const run: RunTrial = (candidate, options) => runScenario(candidate, registry, options)

test('a story goes from what was done to what broke, in a dozen lines that say it once', () => {
  const { result, story } = tell(pinned('raft-one-leader-per-term'), registry, run)
  expect(result.verdict).toBe('failed')
  expect(story.length).toBeLessThanOrEqual(STORY_LINES_MAXIMUM)
  const texts = story.map(({ text }) => text)
  expect(texts[0]).toMatch(/^A cluster of 3 etcd members/)
  expect(texts.at(-1)).toMatch(
    /^BROKEN raft-one-leader-per-term: etcd-\d and etcd-\d were both leader in term \d+ of etcd$/,
  )
  expect(texts.some((text) => text.startsWith('so '))).toBe(true)
  expect(new Set(texts).size).toBe(texts.length)
  // A crash is told by the fault that it is.
  expect(texts).not.toContain('etcd-2 crashes')
})

test('many lines of one kind at one moment are told by two of them', () => {
  const { ablated } = minimal('finalizers-are-kept')
  const { story } = tell(ablated, registry, run)
  const caches = story.filter(({ text }) => text.startsWith('the watch cache of'))
  expect(caches).toHaveLength(2)
  expect(caches.map(({ text }) => text).join()).toMatch(/for configmaps stands still.*, and \d+ more like it/)
})

/** The scenario with only what it needs. */
function minimal(name: string) {
  const scenario = pinned(name)
  const { signature } = runScenario(scenario, registry)
  return { scenario, signature: signature!, ablated: ablate(scenario, signature!, run).scenario }
}

test('the cause of a failure is the same for the whole scenario of one bug and has no names and no times', () => {
  const causes = new Map(
    [
      'one-leader-per-lease',
      'raft-committed-entries-never-lost',
      'etcd-members-agree',
      'pod-phase-is-final',
      'terminal-pod-is-not-ready',
      'kubelet-stopped-by-grace-plus-2s',
    ].map((name) => [name, causalSignature(tell(minimal(name).ablated, registry, run).result)]),
  )
  expect(causes.get('one-leader-per-lease')).toBe('partition|leader-started')
  // One bug seen by two properties has one cause.
  expect(causes.get('etcd-members-agree')).toBe(causes.get('raft-committed-entries-never-lost'))
  expect(new Set(causes.values()).size).toBe(causes.size - 1)
  for (const cause of causes.values()) expect(cause).toMatch(/^[a-z+-]+\|[a-z>-]+$/)
})

test('what a small failure needs is said in a sentence', () => {
  const { ablated, signature, scenario } = minimal('one-leader-per-lease')
  expect(whyOf(ablated, signature, registry, run)).toBe(
    'it needs "fault: master-1 is not heard for 23.5 s", and nothing else',
  )
  expect(whyOf({ ...scenario, faults: Array(4).fill(scenario.faults[0]) }, signature, registry, run)).toBeUndefined()
})

test('guesses of what is not to blame are proper parts of the scenario, and one of them is right', () => {
  for (const name of ['init-containers-run-first', 'terminal-pod-is-not-ready', 'raft-leader-not-disrupted']) {
    const { scenario, signature } = minimal(name)
    const items = itemsOf(scenario)
    const guesses = irrelevantItems(scenario, registry)
    expect(guesses.length).toBeGreaterThan(1)
    for (const guess of guesses) {
      expect(guess.length).toBeGreaterThan(0)
      expect(guess.length).toBeLessThan(items.length)
    }
    const rest = guesses.map((guess) =>
      items.filter(({ id, list }) => !guess.some((item) => item.id === id && item.list === list)),
    )
    expect(rest.some((left) => run(withItems(scenario, left)).signature === signature)).toBe(true)
  }
})
