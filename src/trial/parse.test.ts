/** Scenario text: what is refused and with which words, and that printing and reading are inverse. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SECOND } from '../kernel/index.ts'
import type { About } from './about.ts'
import { migrated } from './migrations.ts'
import { parseKept, parseScenario, printScenario, scenarioIdOf } from './parse.ts'
import { scenarioArbitrary } from './recipe.ts'
import { fakeRegistry, fakeScenario, jolt } from './testing.ts'
import { UserError } from './user-error.ts'

const good = printScenario(fakeScenario({ faults: [jolt('f1', 5 * SECOND)] }))
const changed = (change: (value: Record<string, unknown>) => void) => {
  const value = JSON.parse(good) as Record<string, unknown>
  change(value)
  return JSON.stringify(value, null, 2)
}

function refusalOf(text: string): UserError {
  try {
    parseScenario(text, 'x.json')
  } catch (error) {
    expect(error).toBeInstanceOf(UserError)
    return error as UserError
  }
  throw new Error('it was taken')
}

test.each<[name: string, text: string, where: RegExp, what: RegExp, mend: RegExp]>([
  ['cut off', good.slice(0, 300), /^x\.json:\d+:\d+$/, /cut off/, /restore/],
  ['empty', '', /^x\.json:1:1$/, /cut off/, /restore/],
  ['a stray comma', good.replace('"seed": "7",', '"seed": "7",,'), /^x\.json:5:15$/, /key in double quotes/, /correct/],
  ['text after the end', `${good}]`, /^x\.json:\d+:1$/, /after the end/, /correct/],
  ['a text that does not end', good.replace('"7",', '"7,'), /^x\.json:5:/, /does not end/, /correct/],
  ['another format', '{"kind": "Deployment"}', /^x\.json$/, /not a scenario/, /seatrial check/],
  [
    'a newer version',
    changed((value) => {
      value.version = 2
    }),
    /\/version/,
    /format version 2; this seatrial reads version 1/,
    /version 2/,
  ],
  [
    'a missing member',
    changed((value) => {
      delete value.topology
    }),
    /x\.json:1:1 \//,
    /"topology" is missing/,
    /add/,
  ],
  [
    'a misspelt member',
    changed((value) => {
      value.fualts = []
    }),
    /\/fualts/,
    /no member "fualts"/,
    /did you mean "faults"/,
  ],
  [
    'a wrong type',
    changed((value) => {
      value.durationMicros = 'long'
    }),
    /\/durationMicros/,
    /must be integer/,
    /schema/,
  ],
  [
    'a negative count',
    changed((value) => {
      ;(value.topology as Record<string, unknown>).nodes = -2
    }),
    /\/topology\/nodes/,
    />= 1/,
    /schema/,
  ],
  [
    'a wrong choice',
    changed((value) => {
      ;(value.topology as Record<string, unknown>).proxyMode = 'ebpf'
    }),
    /\/topology\/proxyMode/,
    /"ebpf" is not allowed/,
    /"iptables"/,
  ],
  [
    'an unknown step',
    changed((value) => {
      value.workload = [{ id: 'w1', kind: 'scael', atMicros: 1 }]
    }),
    /\/workload\/0\/kind/,
    /no workload step/,
    /did you mean "scale"/,
  ],
  [
    'a step without its members',
    changed((value) => {
      value.workload = [{ id: 'w1', kind: 'drain', atMicros: 1 }]
    }),
    /\/workload\/0/,
    /"node" is missing/,
    /add/,
  ],
])('%s is refused', (_name, text, where, what, mend) => {
  const error = refusalOf(text)
  expect(error.where).toMatch(where)
  expect(error.what).toMatch(what)
  expect(error.mend).toMatch(mend)
})

test('what is remembered of a scenario stands in its file, and changes neither the scenario nor its id', () => {
  const about: About = { verdict: 'failed', signature: 'a/b/pod', tells: 'why', trial: 's:1:2' }
  const scenario = fakeScenario()
  const kept = parseKept(printScenario(scenario, about), 'x.json')
  expect(kept).toEqual({ scenario, about })
  expect(scenarioIdOf(kept.scenario)).toBe(scenarioIdOf(scenario))
  expect(parseKept(good, 'x.json').about).toBeUndefined()
  expect(refusalOf(good.replace(/\n\}\n$/, ',\n"about": {"verdict": "sunk"}}')).where).toMatch(/\/about\/verdict/)
})

test('an older version is brought to the present step by step; a newer one is refused, and one that nothing leads on from', () => {
  const steps = new Map([
    [1, ({ ships, ...rest }: Record<string, unknown>) => ({ ...rest, boats: ships })],
    [2, ({ boats, ...rest }: Record<string, unknown>) => ({ ...rest, boats: [boats] })],
  ])
  expect(migrated({ version: 1, ships: 7 }, 'x.json', steps, 3)).toEqual({ version: 3, boats: [7] })
  expect(migrated({ version: 2, boats: 7 }, 'x.json', steps, 3)).toEqual({ version: 3, boats: [7] })
  expect(migrated({ version: 3, boats: [7] }, 'x.json', steps, 3)).toEqual({ version: 3, boats: [7] })
  expect(() => migrated({ version: 4 }, 'x.json', steps, 3)).toThrow(
    /x\.json \/version: the scenario has format version 4; this seatrial reads version 3 \(use the seatrial release/,
  )
  expect(() => migrated({ version: 0 }, 'x.json', steps, 3)).toThrow(/nothing leads to version 3 \(versions from 1 on/)
})

test('a file cut off anywhere is refused with a position, never with another error', () => {
  for (let length = 0; length < good.trimEnd().length; length += 7) {
    expect(refusalOf(good.slice(0, length)).where).toMatch(/^x\.json:\d+:\d+/)
  }
})

test('printing and reading are inverse, and the id does not depend on the order of members', () => {
  const arbitrary = scenarioArbitrary(fakeRegistry(), {
    name: 'test',
    objects: [],
    faults: { most: 6 },
    workload: { most: 4 },
  })
  fc.assert(
    fc.property(arbitrary, (scenario) => {
      const text = printScenario(scenario)
      const back = parseScenario(text, 'x.json')
      expect(back).toEqual(JSON.parse(JSON.stringify(scenario)))
      expect(printScenario(back)).toBe(text)
      const reversed = Object.fromEntries(Object.entries(scenario).reverse()) as unknown as typeof scenario
      expect(scenarioIdOf(reversed)).toBe(scenarioIdOf(scenario))
    }),
    { seed: 11, numRuns: 100 },
  )
})
