// `seatrial explain` and `replay --export` from the outside: what is printed, what is written, and the exit status. And
// what is said of two runs that part.
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Ajv } from 'ajv'
import { afterAll, expect, test } from 'vitest'
import { LINES_SCHEMA } from '../report/lines.ts'
import { firstDifference } from './second-opinion.ts'
import { runMain, temporaryFolder } from './testing.ts'

const failing = readFileSync(resolve('fixtures/catches/one-leader-per-lease.json'), 'utf8')
const folder = temporaryFolder({
  'failing.scenario.json': failing,
  'passing.scenario.json': JSON.stringify({ ...JSON.parse(failing), defects: [] }),
})
afterAll(folder.remove)

test('a failure is explained in four parts: status 1', async () => {
  const { status, out } = await runMain(['explain', 'failing.scenario.json', '--branches', '2'], folder.path)
  expect(status).toBe(1)
  expect(out).toMatch(/^one-leader-per-lease\/two-leaders\/object: /)
  expect(out).toMatch(/WHAT IT NEEDS\n {2}0:20\.390 {2}fault: master-1 is not heard for 23\.5 s\n/)
  expect(out).toMatch(/Not needed: delete-pod\./)
  expect(out).toMatch(
    /HOW IT CAME ABOUT\n 1\. 0:20\.390 {2}fault: [^\n]*\n(.*\n)*\s*\d+\. 0:37\.118 {2}BROKEN one-leader/,
  )
  expect(out).toMatch(/WHEN IT WAS CERTAIN\n {2}0:00\.000 {2}[#.]{20} {2}\d+ %\n/)
  expect(out).toMatch(/WHAT WOULD HAVE BEEN ENOUGH\n {2}It passes /)
  expect(out).toMatch(
    /The two runs are the same up to 0:2\d\.\d+\. The next event is:\n {4}failing: \S.*\n {4}passing: \S/,
  )
})

test('as JSON it is one line; without the question when it was certain it is quick', async () => {
  const { status, out } = await runMain(['explain', 'failing.scenario.json', '--no-certainty', '--json'], folder.path)
  expect(status).toBe(1)
  const explanation = JSON.parse(out)
  const validate = new Ajv({ strict: false }).compile(LINES_SCHEMA)
  expect(validate(explanation), JSON.stringify(validate.errors)).toBe(true)
  expect(validate({ ...explanation, chain: 'long' })).toBe(false)
  expect(explanation).toMatchObject({
    type: 'explanation',
    needed: [{ item: { list: 'faults', kind: 'partition' }, passesWithout: true }],
    subsets: { failing: 0, exhaustive: true },
  })
  expect(explanation.certainty).toBeUndefined()
  expect(explanation.minimal.workload).toEqual([])
  expect(explanation.chain.at(-1).reason).toBe('violation')
})

test('what passes has nothing to explain: status 0', async () => {
  const { status, out } = await runMain(['explain', 'passing.scenario.json'], folder.path)
  expect([status, out]).toEqual([0, expect.stringMatching(/^passed; scenario [0-9a-f]{16}\. It does not fail/)])
})

test('a trace is exported into a file beside the story, or onto standard output and nothing else', async () => {
  const told = await runMain(['replay', 'failing.scenario.json', '--export', 'shiviz', 'run.log'], folder.path)
  expect(told.status).toBe(1)
  expect(told.out).toMatch(/BROKEN one-leader-per-lease(.*\n)*shiviz: run\.log\n {4}f\d+ .*\n$/)
  expect(readFileSync(join(folder.path, 'run.log'), 'utf8')).toMatch(/^\(\?<host>/)
  const { status, out, err } = await runMain(['replay', '--export', 'jsonl', 'passing.scenario.json'], folder.path)
  expect(status).toBe(0)
  const lines = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect([lines[0].type, lines.at(-1).type, lines.at(-1).verdict]).toEqual(['header', 'end', 'passed'])
  expect(err).toMatch(/passed; scenario/)
  const nowhere = await runMain(['replay', 'nowhere', '--export', 'perfetto', 'none.json'], folder.path)
  expect([nowhere.status, existsSync(join(folder.path, 'none.json'))]).toEqual([2, false])
})

test('of two runs that part, the first differing event is named and what differs in it', () => {
  const start = '1 0 us etcd-0 start 0 (because of 0)'
  const timer = '2 100 us etcd-0 timer 1 0 (because of 1)'
  expect(firstDifference([start, timer], [start, timer])).toBeUndefined()
  expect(firstDifference([start, timer], [start, '2 130 us etcd-1 timer 1 0 (because of 1)'])).toBe(
    'event 2: the time and the process differ: "2 100 us etcd-0 timer 1 0 (because of 1)" here, "2 130 us etcd-1 timer 1 0 (because of 1)" in another process',
  )
  expect(firstDifference([start, timer], [start, '2 100 us etcd-0 message range 4 (because of 1)'])).toMatch(
    /^event 2: the event and the number differ: /,
  )
  expect(firstDifference([start, timer], [start])).toMatch(
    /^event 2: "2 100 us .*" here, "no event" in another process/,
  )
  const fact = '1 fact raft-role {"type":"raft-role","term":1}'
  expect(firstDifference([start, fact], [start, fact.replace('1}', '2}')])).toMatch(
    /^a fact of event 1: the content differs: /,
  )
  expect(firstDifference([start, fact], [start, timer])).toMatch(
    /^a fact of event 1: one run has an event where the other publishes a fact: /,
  )
})
