/**
 * Every property can fail, and for a reason: for each there is a scenario in fixtures/catches that it fails with one mistake
 * switched on, and passes, having been reached, without it. Each scenario comes from a suite as it was drawn, is checked by
 * its property alone, and names the mistake: a historical bug where there is one, else a planted one.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { DEFECTS } from '../chaos/index.ts'
import { PROPERTIES } from '../properties/index.ts'
import { PLANTED } from '../properties/planted.ts'
import { standardRegistry } from './standard-registry.ts'
import { parseScenario, runScenario, type Scenario } from './trial/index.ts'

const FOLDER = 'fixtures/catches'
const registry = standardRegistry()
for (const mistake of PLANTED) registry.defect(mistake)

const ALWAYS = PROPERTIES.filter(({ mode }) => mode === 'always').map(({ id }) => id)
const SOMETIMES = PROPERTIES.filter(({ mode }) => mode === 'sometimes').map(({ id }) => id)

function pinned(name: string): Scenario {
  const file = `${FOLDER}/${name}.json`
  return parseScenario(readFileSync(file, 'utf8'), file)
}

test('there is one scenario for each property, and none too many', () => {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith('.json'))
  const expected = [...ALWAYS, ...SOMETIMES.flatMap((id) => [`${id}.seen`, `${id}.unreached`])]
  expect(files.map((file) => file.replace(/\.json$/, '')).sort()).toEqual(expected.sort())
})

test.each(ALWAYS)('%s fails with the mistake and passes without', (id) => {
  const scenario = pinned(id)
  expect(scenario.properties).toEqual([id])
  expect(scenario.defects).toHaveLength(1)
  expect(PROPERTIES.find((property) => property.id === id)?.catches).toContain(scenario.defects[0])
  const failed = runScenario(scenario, registry)
  expect(failed.signature ?? failed.verdict).toMatch(new RegExp(`^${id}/`))
  const passed = runScenario({ ...scenario, defects: [] }, registry)
  expect(passed.violation ?? passed.error).toBeUndefined()
  expect(passed.verdict).toBe('passed')
  expect(passed.reached).toEqual([id])
})

test.each(SOMETIMES)('%s is seen where it should be, and not reached where nothing leads to it', (id) => {
  const seen = runScenario(pinned(`${id}.seen`), registry)
  expect(seen.verdict).toBe('passed')
  expect(seen.reached).toEqual([id])
  expect(seen.seen).toEqual([id])
  const unreached = runScenario(pinned(`${id}.unreached`), registry)
  expect(unreached.verdict).toBe('vacuous')
  expect(unreached.reached).toEqual([])
  expect(unreached.seen).toEqual([])
})

test('a property names only defects that are there, and a defect only properties', () => {
  const defects = new Set([...DEFECTS, ...PLANTED].map(({ id }) => id))
  const properties = new Set([...PROPERTIES.map(({ id }) => id), 'invariant'])
  const unknown = [
    ...PROPERTIES.flatMap(({ id, catches }) =>
      catches.filter((name) => !defects.has(name)).map((name) => `${id} -> ${name}`),
    ),
    ...DEFECTS.flatMap(({ id, caughtBy }) =>
      caughtBy.filter((name) => !properties.has(name)).map((name) => `${id} -> ${name}`),
    ),
  ]
  expect(unknown).toEqual([])
})
