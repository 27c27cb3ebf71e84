/** What `seatrial new invariant` writes works as it is: the property registers, holds, is reached, and can fail. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { standardRegistry } from '../standard-registry.ts'
import { type PropertyDefinition, type Registry, runScenario, scenarioOfTrial } from '../trial/index.ts'
import { runMain, temporaryFolder } from './testing.ts'

const folder = temporaryFolder({})
afterAll(() => folder.remove())

/** The file as it was written, but for the package's name, which stands for the sources here; `patience` in seconds. */
async function scaffold(name: string, patience: string): Promise<{ registry: Registry; property: PropertyDefinition }> {
  expect((await runMain(['new', 'invariant', name], folder.path)).status).toBe(0)
  const text = readFileSync(join(folder.path, `${name}.js`), 'utf8')
  expect(text).toContain("from 'seatrial'")
  const own = text.replace("'seatrial'", JSON.stringify(pathToFileURL(resolve('src/index.ts')).href))
  const file = join(folder.path, `${name}.own.js`)
  writeFileSync(file, own.replace('120 * SECOND', patience))
  const { default: register, property } = (await import(file)) as {
    default: (registry: Registry) => void
    property: PropertyDefinition
  }
  const registry = standardRegistry()
  register(registry)
  return { registry, property }
}

/** The trials of the scaffold's own test. */
const trials = (registry: Registry) =>
  Array.from({ length: 4 }, (_, index) =>
    scenarioOfTrial(registry, { suite: 'small', defects: [], seed: 1, path: `${index}` }),
  )

test('the scaffold holds, and is reached', async () => {
  const { registry, property } = await scaffold('pods-go', '120 * SECOND')
  expect(property).toMatchObject({
    id: 'pods-go',
    mode: 'always',
    triggers: ['a Pod', 'a Pod with "leaving"'],
  })
  const results = trials(registry).map((scenario) => runScenario({ ...scenario, properties: ['pods-go'] }, registry))
  expect(results.flatMap(({ violation, error }) => violation ?? error ?? [])).toEqual([])
  expect(results.some(({ reached }) => reached.includes('pods-go'))).toBe(true)
})

test('with no patience at all it fails, and says what it saw', async () => {
  const { registry } = await scaffold('pods-hurry', '0')
  const scenarios = trials(registry).map((scenario) => ({ ...scenario, faults: [], properties: ['pods-hurry'] }))
  const failed = scenarios.map((scenario) => runScenario(scenario, registry)).find(({ violation }) => violation)
  expect(failed?.violation?.message).toMatch(
    /^Pod \S+: "gone" or "disturbed" was to come within 0 s after "leaving" at /,
  )
  expect(failed?.violation?.saw).toMatch(/^metadata\.deletionTimestamp: nothing -> /)
})
