/**
 * A scenario file decides its run wholly: drawn scenarios of every suite, written down and read again, give the trace hash of
 * the first run once more in this process, and in another one that runs what was built.
 */
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { standardRegistry } from '../standard-registry.ts'
import { parseScenario, printScenario, runScenario, suiteArbitrary } from '../trial/index.ts'
import { buildCommandLine, startProcess, temporaryFolder } from './testing.ts'

const SEED = 20_250_101
const registry = standardRegistry()
const drawn = [...registry.suites.keys()].map((suite) => {
  const [scenario] = fc.sample(suiteArbitrary(registry, suite, []), { numRuns: 1, seed: SEED })
  return { suite, scenario: scenario!, ...runScenario(scenario!, registry) }
})
const folder = temporaryFolder(
  Object.fromEntries(drawn.map(({ suite, scenario }) => [`${suite}.json`, printScenario(scenario)])),
)
const built = buildCommandLine()
afterAll(folder.remove)
afterAll(built.remove)

test('the runs differ from one another and do something', () => {
  expect(new Set(drawn.map(({ traceHash }) => traceHash)).size).toBe(drawn.length)
  expect(Math.min(...drawn.map(({ steps }) => steps))).toBeGreaterThan(1_000)
})

test.each(drawn)('$suite: read back, in this process', ({ suite, scenario, traceHash, steps }) => {
  const again = runScenario(parseScenario(printScenario(scenario), suite), registry)
  expect([again.traceHash, again.steps]).toEqual([traceHash, steps])
})

test('read from files, in another process', async () => {
  const source = join(dirname(built.file), '..')
  const program = join(source, 'hashes.js')
  writeFileSync(
    program,
    `import { readFileSync } from 'node:fs'
     import { standardRegistry } from './standard-registry.js'
     import { parseScenario, runScenario } from './trial/index.js'
     for (const suite of process.argv.slice(2)) {
       const scenario = parseScenario(readFileSync(suite + '.json', 'utf8'), suite)
       console.log(suite, runScenario(scenario, standardRegistry()).traceHash)
     }`,
  )
  const { out, err } = await startProcess(
    program,
    drawn.map(({ suite }) => suite),
    folder.path,
  )
  expect(err).toBe('')
  expect(out.trim().split('\n')).toEqual(drawn.map(({ suite, traceHash }) => `${suite} ${traceHash}`))
}, 120_000)
