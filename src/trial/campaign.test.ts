/** The book of a campaign, signatures, names of trials and the corpus. */
import { expect, test } from 'vitest'
import { Campaign, exitStatusOf } from './campaign.ts'
import { type CorpusFolder, keepScenario, readCorpus } from './corpus.ts'
import { printScenario } from './parse.ts'
import type { TrialResult } from './result.ts'
import { subjectKind } from './signature.ts'
import { fakeProperty, fakeRegistry, fakeScenario } from './testing.ts'
import { parseTrialId, printTrialId } from './trial-id.ts'
import { nearest } from './user-error.ts'

const result = (parts: Partial<TrialResult>): TrialResult => ({
  verdict: 'passed',
  scenarioId: 'x',
  traceHash: '0',
  virtualMicros: 10,
  steps: 3,
  ledger: [],
  reached: [],
  seen: [],
  facts: [],
  ...parts,
})

test('a campaign counts verdicts, what bit, what was reached, and groups failures', () => {
  const registry = fakeRegistry([
    fakeProperty('a', () => ({})),
    fakeProperty('b', () => ({})),
    fakeProperty('c', () => ({}), 'sometimes'),
  ])
  const campaign = new Campaign(registry)
  const entry = { fault: 'f1', kind: 'jolt', atMicros: 0, injected: true, evidence: [], bit: true }
  expect(
    campaign.add({ trialId: 's:1:0', result: result({ reached: ['a'], ledger: [entry, { ...entry, bit: false }] }) }),
  ).toBe(false)
  expect(campaign.add({ trialId: 's:1:1', result: result({ verdict: 'failed', signature: 'a/x/pod' }) })).toBe(true)
  expect(campaign.add({ trialId: 's:1:2', result: result({ verdict: 'failed', signature: 'a/x/pod' }) })).toBe(false)
  expect(campaign.summary()).toMatchObject({
    trials: 3,
    verdicts: { passed: 1, failed: 2 },
    faults: [{ kind: 'jolt', injected: 2, bit: 1 }],
    reached: [{ property: 'a', trials: 1 }],
    neverReached: ['b', 'c'],
    sometimesNeverSeen: ['c'],
    failures: [{ signature: 'a/x/pod', count: 2, first: { trialId: 's:1:1' } }],
  })
})

test.each([
  [{ passed: 3 }, 0],
  [{ vacuous: 3 }, 0],
  [{ failed: 1 }, 1],
  [{ failed: 1, error: 1 }, 3],
  [{ diverged: 1 }, 3],
  [{ exhausted: 1 }, 3],
] as const)('exit status of %j is %i', (verdicts, status) => {
  expect(exitStatusOf({ passed: 0, failed: 0, vacuous: 0, diverged: 0, exhausted: 0, error: 0, ...verdicts })).toBe(
    status,
  )
})

test.each([
  ['Pod default/web-7d4b9-x2x9z', 'pod'],
  ['node-2', 'node'],
  ['etcd-1 -> etcd-0', 'etcd>etcd'],
  ['default/web', 'object'],
  ['Deployment shop/web', 'deployment'],
])('the kind of the subject %s is %s', (subject, kind) => {
  expect(subjectKind(subject)).toBe(kind)
})

test.each([
  'small:1:0',
  'small:-5:12:0:3',
  'node-loss+rs-no-expectations:2147483647:4',
])('the trial id %s is read and printed', (text) => {
  expect(printTrialId(parseTrialId(text)!)).toBe(text)
})

test.each([
  'small',
  'small:1',
  'small:x:0',
  'a.json',
  'small:1:0:',
  './x:1:2/y.json',
])('%s is not a trial id', (text) => {
  expect(parseTrialId(text)).toBeUndefined()
})

test('names that look alike', () => {
  expect(nearest('partiton', ['partition', 'crash-node'])).toEqual(['partition'])
  expect(nearest('zzz', ['partition'])).toEqual([])
})

test('one damaged file of the corpus is named and hides no other', () => {
  const files = new Map([
    ['a.scenario.json', printScenario(fakeScenario()).slice(0, 200)],
    ['notes.txt', 'x'],
  ])
  const folder: CorpusFolder = {
    path: 'corpus',
    list: () => [...files.keys()],
    read: (name) => files.get(name)!,
    write: (name, text) => void files.set(name, text),
    remove: (name) => void files.delete(name),
  }
  const file = keepScenario(folder, fakeScenario(), 'rs-convergence/too many/pod')
  expect(file).toMatch(/^corpus\/rs-convergence-too-many-pod-[0-9a-f]{8}\.scenario\.json$/)
  const { entries, damaged } = readCorpus([folder])
  expect(entries.map((entry) => entry.scenario)).toEqual([fakeScenario()])
  expect(damaged.map((error) => error.message)).toEqual([
    expect.stringMatching(/^corpus\/a\.scenario\.json:\d+:\d+: the file is cut off/),
  ])
})
