/** Every scenario of the corpus once more: each is read, fits this release, is explained, and passes. */
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { standardRegistry } from './standard-registry.ts'
import { assertRunnable, readCorpus, runScenario } from './trial/index.ts'

const FOLDER = 'fixtures/corpus'

const { entries, damaged } = readCorpus([
  {
    path: FOLDER,
    list: () => readdirSync(FOLDER),
    read: (name) => readFileSync(`${FOLDER}/${name}`, 'utf8'),
    write: () => {
      throw new Error('this test only reads')
    },
    remove: () => {
      throw new Error('this test only reads')
    },
  },
])
const registry = standardRegistry()

test('no file of the corpus is damaged, and there are some', () => {
  expect(damaged.map((error) => error.message)).toEqual([])
  expect(entries.length).toBeGreaterThan(0)
})

test('each has a row that says what it tells, and no row is left over', () => {
  const rows = readFileSync(`${FOLDER}/README.md`, 'utf8').matchAll(/^\| ([a-z0-9-]+) \| .{80,} \|$/gm)
  expect(Array.from(rows, ([, id]) => id)).toEqual(entries.map(({ id }) => id))
})

test.each(entries.map(({ id, scenario }) => [id, scenario] as const))('%s', (id, scenario) => {
  assertRunnable(scenario, registry, id)
  const { verdict, violation } = runScenario(scenario, registry)
  expect(violation?.message).toBeUndefined()
  expect(['passed', 'vacuous']).toContain(verdict)
})
