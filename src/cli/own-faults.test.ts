/** Faults and suites of a user that throw, loop for ever, write into what they were given, or ask the real world: each is named. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { builtBefore, startProcess, temporaryFolder } from './testing.ts'

// Whole processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

interface Parts {
  readonly validate?: string
  readonly inject?: string
  readonly heal?: string
  readonly evidence?: string
  readonly suite?: string
  readonly draw?: string
}

/** A module with a fault and a suite, and code at those places. */
const moduleOf = ({ validate, inject, heal, evidence, suite, draw }: Parts) => `
export default (registry) => {
  registry.fault({
    id: 'squall', title: 'mine', parameters: {}, describe: () => 'a squall',
    arbitrary: registry.faults.get('container-crash').arbitrary,
    validate: () => { ${validate ?? ''} },
    inject(cluster, step) {
      ${inject ?? ''}
      return { heal() { ${heal ?? ''} }, evidence() { ${evidence ?? ''}; return [{ what: 'gusts', count: 1 }] } }
    },
  })
  const { arbitrary, ...elections } = registry.suites.get('elections')
  registry.suite({
    id: 'mine', title: 'mine', keepsCluster: true,
    arbitrary(options) {
      ${suite ?? ''}
      return arbitrary(options).map((scenario) => {
        ${draw ?? ''}
        return { ...scenario, durationMicros: 10_000_000, workload: [], properties: ['raft-one-leader-per-term'],
          faults: [{ id: 'f1', kind: 'squall', atMicros: 5_000_000, durationMicros: 1_000_000, parameters: { at: [1] } }] }
      })
    },
  })
}
`

const CASES: readonly (readonly [name: string, parts: Parts, says: RegExp, status: number])[] = [
  ['injected', { inject: "throw new Error('oh no')" }, /fault squall threw when it was injected: oh no/, 3],
  ['healed', { heal: "throw new Error('oh no')" }, /fault squall threw when it was healed: oh no/, 3],
  ['asked', { evidence: "throw new Error('oh no')" }, /fault squall threw when it was asked what it did: oh no/, 3],
  [
    'writes',
    { inject: 'step.parameters.at.push(2)' },
    /fault squall threw .* what it is given is not to be written to/,
    3,
  ],
  ['clock', { heal: 'Date.now()' }, /fault squall threw when it was healed: Date\.now\(\) was used inside a trial/, 3],
  ['hangs', { heal: 'for (;;) {}' }, /fault squall does not come to an end \(no trial ended within 1\.5 s\)/, 3],
  ['waits', { validate: 'for (;;) {}' }, /fault squall does not come to an end \(no trial ended within 1\.5 s\)/, 3],
  [
    'bounds',
    { validate: 'for (;;) {}' },
    /fault squall had not come to an end after 10 s when it was asked to check its parameters/,
    2,
  ],
  ['refuses', { validate: "return 'too windy'" }, /squall: too windy/, 2],
  ['checks', { validate: "throw new Error('oh no')" }, /fault squall threw when it was asked to check .*: oh no/, 2],
  ['suite', { suite: "throw new Error('oh no')" }, /the suite "mine" threw when it was asked for scenarios: oh no/, 2],
  ['draws', { draw: 'Math.random()' }, /the suite "mine" threw when a scenario was drawn: .*\n.*fast-check/, 2],
  [
    'endless',
    { draw: 'for (;;) {}' },
    /the suite "mine" had not come to an end after 10 s when a scenario was drawn/,
    2,
  ],
]

const folder = temporaryFolder(Object.fromEntries(CASES.map(([name, parts]) => [`${name}.mjs`, moduleOf(parts)])))
afterAll(() => folder.remove())

const built = builtBefore(beforeAll)

test.each(CASES)('%s', async (name, _parts, says, expected) => {
  const flags = `--trials 1 --workers 1 --watchdog ${name === 'endless' || name === 'bounds' ? '30s' : '1.5s'} --no-shrink --dir ${name}`
  const { status, out, err } = await startProcess(
    built.file,
    ['run', 'mine', '--properties', `${name}.mjs`, ...flags.split(' ')],
    folder.path,
  )
  expect(`${out}${err}`).toMatch(says)
  expect(`${out}${err}`).not.toMatch(/\n\s+at /)
  expect(status).toBe(expected)
})
