/** Code of a user that misbehaves in a worker: it ends the process, leaves promises behind, or is not deterministic. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { builtBefore, startProcess, temporaryFolder } from './testing.ts'

// Whole processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 240_000 })

const property = (body: string) => `export default (registry) => registry.property({
  id: 'mine', mode: 'always', claim: 'c', source: 's', trigger: 't', catches: [],
  monitor(cluster, report) {
    cluster.kernel.subscribe('raft-role', () => { report.reached(); ${body} })
    return {}
  },
})
`
/** True in the second process, false in a thread. */
const ELSEWHERE = 'process.send !== undefined'

const folder = temporaryFolder({
  'exits.mjs': property('process.exit(7)'),
  'rejects.mjs': property("Promise.reject(new Error('nobody waited for this'))"),
  'second-thread.mjs': `import { threadId } from 'node:worker_threads'\n${property("if (threadId === 2) report.fail({ subject: 'etcd-0', message: 'm', shape: 's' })")}`,
  'counts.mjs': `let calls = 0\n${property("if (++calls % 25 === 0) report.fail({ subject: 'etcd-0', message: 'm', shape: 's' })")}`,
  'exits-elsewhere.mjs': property(`if (${ELSEWHERE}) process.exit(4)`),
  'hangs-elsewhere.mjs': property(`if (${ELSEWHERE}) for (;;) {}`),
  'writes.mjs': property('').replace('() => { report.reached(); ', "(fact) => { report.reached(); fact.role = 'boat'"),
  'livelock.mjs': `export default (registry) => registry.property({
    id: 'mine', mode: 'always', claim: 'c', source: 's', trigger: 't', catches: [],
    monitor({ kernel }, report) {
      report.reached()
      const again = { onTimer: () => kernel.schedule(0, again, 7) }
      kernel.schedule(2_000_000, again, 7)
      return {}
    },
  })
`,
  'endless.mjs': `export default (registry) => registry.defect({
    id: 'endless', title: 't', subsystem: 's', sources: [], suite: 'elections', caughtBy: [],
    decisions: { client: { firstListVersion() { for (;;) {} } } },
  })
`,
  'unsteady.mjs': `export default (registry) => {
    registry.fault({
      id: 'unsteady', title: 'a pause whose length depends on who runs it', parameters: {},
      arbitrary: registry.faults.get('container-crash').arbitrary,
      validate: () => undefined,
      inject(cluster) {
        const target = cluster.process('etcd-0')
        if (${ELSEWHERE}) cluster.kernel.pause(target)
        return { heal: () => cluster.kernel.resume(target), evidence: () => [{ what: 'pauses', count: 1 }] }
      },
      describe: () => 'etcd-0 stands still, perhaps',
    })
    const { arbitrary, ...elections } = registry.suites.get('elections')
    registry.suite({
      id: 'mine', title: 'mine', keepsCluster: true,
      arbitrary: (options) => arbitrary(options).map((scenario) => ({
        ...scenario, durationMicros: 10_000_000, workload: [],
        faults: [{ id: 'f1', kind: 'unsteady', atMicros: 5_000_000, durationMicros: 1_000_000, parameters: {} }],
      })),
    })
  }
`,
})
afterAll(() => folder.remove())

const built = builtBefore(beforeAll)

const seatrial = (command: string) => startProcess(built.file, command.split(' '), folder.path)

test('a property that ends the process: the trial is named, the others are run', async () => {
  const { status, out } = await seatrial('run elections --trials 3 --workers 2 --properties exits.mjs --dir exits')
  expect(out).toMatch(/verdicts: 0 passed, 3 error/)
  expect(out).toMatch(/exits\/corpus\/mine-crashed-error/)
  expect(out).toMatch(/property mine: a worker ended unexpectedly with status 7/)
  expect(readdirSync(join(folder.path, 'exits/corpus'))).toHaveLength(1)
  expect(status).toBe(3)
})

test('a promise that is rejected after the trial is told, and the status says so', async () => {
  const { status, out, err } = await seatrial('run elections --trials 1 --workers 1 --properties rejects.mjs')
  // The trial itself is not to blame, whether or not its fault took effect.
  expect(out).toMatch(/verdicts: (1 passed|0 passed, 1 vacuous)\n/)
  expect(err).toMatch(/outside of any trial: nobody waited for this\n.*no promises/)
  expect(status).toBe(3)
})

test.each([
  ['exits-elsewhere.mjs', /when it ran again, a worker ended unexpectedly with status 4/],
  ['hangs-elsewhere.mjs', /when it ran again, no trial ended within 1\.5 s/],
])('%s: the second process is watched too', async (module, says) => {
  const { status, out } = await seatrial(
    `run elections --trials 1 --workers 1 --watchdog 1.5s --no-shrink --properties ${module}`,
  )
  expect(out).toMatch(/verdicts: 0 passed, 1 diverged/)
  expect(out).toMatch(says)
  expect(status).toBe(3)
})

test('a property that goes by which worker it is in: another worker shows it, and no process would have', async () => {
  const { status, out } = await seatrial(
    'run elections finalizers --trials 1 --workers 2 --no-shrink --dir threads --properties second-thread.mjs',
  )
  expect(out).toMatch(/verdicts: 0 passed, 2 diverged/)
  expect(out).toMatch(/the verdict was (\w+ here and failed \(mine\)|failed \(mine\) here and \w+) in another worker/)
  expect(status).toBe(3)
})

test('a property that counts across trials: that is said, and a failure that does not come again is kept as it was drawn', async () => {
  const { status, out } = await seatrial(
    'run elections --trials 12 --seed 1 --workers 1 --dir counts --properties counts.mjs',
  )
  expect(out).toMatch(
    /two runs of one scenario differ: .*; something remembers|: something remembers earlier runs, such as a variable/,
  )
  expect(out).toMatch(/^mine\/s\/etcd \(\d+ trials?\)$/m)
  expect(out).toMatch(
    /replay: npx seatrial replay counts\/corpus\/mine-s-.* --twice\n {4}but: run once more it did not fail like this \((?:passed|vacuous|diverged)\): something remembers/,
  )
  expect(status).toBe(3)
})

test('a property that writes into what it was given: caught, named, and kept', async () => {
  const { status, out } = await seatrial('run elections --trials 2 --workers 1 --properties writes.mjs --no-shrink')
  expect(out).toMatch(/verdicts: 0 passed, 2 error/)
  expect(out).toMatch(
    /property mine threw: Cannot assign to read only property 'role' .*may read everything .* change nothing/,
  )
  expect(status).toBe(3)
})

test('a trial in which time stands still is exhausted, and the loop is named', async () => {
  const { status, out } = await seatrial('run elections --trials 1 --workers 1 --properties livelock.mjs --no-shrink')
  expect(out).toMatch(/verdicts: 0 passed, 1 exhausted/)
  expect(out).toMatch(/the budget of events was used up after \d+ events at 2000000 us; .* were "timer 7" of kernel/)
  expect(status).toBe(3)
})

test('a decision that never comes to its end: the trial is given up, and the defect is named', async () => {
  const { status, out } = await seatrial(
    'run elections --trials 1 --workers 1 --watchdog 1.5s --properties endless.mjs --defects endless --no-shrink',
  )
  expect(out).toMatch(/verdicts: 0 passed, 1 error/)
  expect(out).toMatch(/no trial ended within 1\.5 s, with endless switched on/)
  expect(status).toBe(3)
})

test('a fault that depends on who runs it: diverged, with the first event that differs, and a replay that shows it', async () => {
  const { status, out } = await seatrial('run mine --trials 1 --workers 1 --properties unsteady.mjs --dir unsteady')
  expect(out).toMatch(
    /two runs of one scenario differ: event \d+: one run has an event where the other publishes a fact: "\d+ 5\d{6} us .*" here, "\d+ fact process-paused .*" in another process/,
  )
  expect(status).toBe(3)
  const replay = /npx seatrial (replay .*)/.exec(out)?.[1] ?? ''
  expect(replay).toMatch(/--properties unsteady\.mjs --twice$/)
  const again = await seatrial(replay)
  expect(again.out).toMatch(/diverged/)
  expect(again.status).toBe(3)
})
