/** What people read: stories, tables, summaries, reproductions. */
import { expect, test } from 'vitest'
import { EPOCH_UNIX_MICROS, SECOND } from '../kernel/index.ts'
import type { Deployment, Node, Pod, Resource } from '../objects/index.ts'
import type { TimedFact, TrialResult } from '../trial/index.ts'
import { fakeRegistry, fakeScenario, jolt } from '../trial/testing.ts'
import { phraseOf } from './phrases.ts'
import { vitestFile } from './reproduction.ts'
import { printStory, STORY_LINES_MAXIMUM, storyOf } from './story.ts'
import { printSummary } from './summary.ts'
import { type ObjectSource, objectTables } from './table.ts'
import { age, duration, moment } from './time.ts'

const ofPod = { node: 'node-1', podKey: 'default/web-1', podUid: 'u' }
const fact = (atMicros: number, parts: object): TimedFact => ({ atMicros, fact: parts as TimedFact['fact'] })
const failed = (facts: readonly TimedFact[]): TrialResult => ({
  verdict: 'failed',
  scenarioId: 'x',
  signature: 's',
  traceHash: 'abcdef0123456789',
  virtualMicros: 30 * SECOND,
  steps: 1,
  reached: [],
  seen: [],
  facts,
  violation: {
    property: 'p',
    subject: 'Pod default/web-1',
    message: 'web-1 was killed too early',
    shape: 'early',
    atMicros: 30 * SECOND,
  },
  ledger: [{ fault: 'f1', kind: 'jolt', atMicros: SECOND, injected: true, evidence: [], bit: true }],
})

test('a story tells what was done, what concerns the subject and, last, what broke', () => {
  const scenario = fakeScenario({
    faults: [jolt('f1', SECOND)],
    workload: [{ id: 'w1', kind: 'scale', atMicros: 2 * SECOND, namespace: 'default', deployment: 'web', replicas: 1 }],
  })
  const noise = Array.from({ length: 50 }, (_, index) =>
    fact(10 * SECOND + index, { type: 'client-failover', client: `c${index}`, from: 1, to: 2, reason: 'silent' }),
  )
  const facts = [
    ...noise,
    fact(20 * SECOND, { type: 'termination-started', ...ofPod, graceSeconds: 30, cause: 'deleted' }),
    fact(21 * SECOND, {
      type: 'term-sent',
      ...ofPod,
      container: 'web',
      containerId: 'i',
      init: false,
      graceSeconds: 30,
    }),
    fact(22 * SECOND, { type: 'no-such-fact' }),
  ]
  const lines = storyOf(scenario, failed(facts), fakeRegistry())
  expect(lines.length).toBeLessThanOrEqual(STORY_LINES_MAXIMUM)
  const text = printStory(lines, 'npx seatrial replay x')
  expect(text).toMatch(
    /^ 1\. 0:00\.000 {2}A cluster of 3 etcd members, 2 API servers, 3 nodes\n 2\. 0:01\.000 {2}fault: jolt node-0\n 3\. 0:02\.000 {2}kubectl: scale deployment\/web to 1\n/,
  )
  expect(text).toContain('0:20.000  node-1 begins to stop pod web-1 (deleted), grace 30 s')
  expect(text).toContain('0:21.000  TERM to web-1/web, 30 s left')
  expect(text).toMatch(/12\. 0:30\.000 {2}BROKEN p: web-1 was killed too early\n {4}replay: npx seatrial replay x$/)
})

test('objects are printed as kubectl would', () => {
  const wall = EPOCH_UNIX_MICROS + 125 * SECOND
  const metadata = (name: string, namespace?: string) => ({
    name,
    ...(namespace === undefined ? {} : { namespace }),
    creationTimestamp: '2025-01-01T00:00:00Z',
  })
  const told = (reason: string, message: string, lastTimestamp: string, count: number) => ({
    metadata: { name: `web-1.${count}`, namespace: 'shop' },
    involvedObject: { kind: 'Pod', name: 'web-1' },
    type: 'Normal',
    firstTimestamp: '2025-01-01T00:00:00Z',
    reason,
    message,
    lastTimestamp,
    count,
  })
  const objects: Partial<Record<Resource, readonly object[]>> = {
    nodes: [
      {
        metadata: metadata('node-0'),
        spec: { unschedulable: true },
        status: { conditions: [{ type: 'Ready', status: 'True' }] },
      },
    ] as unknown as Node[],
    deployments: [
      {
        metadata: metadata('web', 'shop'),
        spec: { replicas: 3 },
        status: { readyReplicas: 2, updatedReplicas: 3, availableReplicas: 1 },
      },
    ] as unknown as Deployment[],
    pods: [
      {
        metadata: metadata('web-2', 'shop'),
        spec: { containers: [{}], nodeName: 'node-0' },
        status: {
          phase: 'Running',
          podIP: '10.244.0.2',
          containerStatuses: [{ ready: true, restartCount: 2, state: { running: {} } }],
        },
      },
      {
        metadata: { ...metadata('web-1', 'shop'), deletionTimestamp: '2025-01-01T00:01:00Z' },
        spec: { containers: [{}] },
      },
    ] as unknown as Pod[],
    events: [
      told('Killing', 'Stopping container web', '2025-01-01T00:02:00Z', 1),
      told('BackOff', 'wait', '2025-01-01T00:01:00Z', 4),
    ],
  }
  const source = { list: (resource: Resource) => objects[resource] ?? [] } as unknown as ObjectSource
  expect(objectTables(source, wall)).toBe(
    [
      'NAME          STATUS                     AGE',
      'node/node-0   Ready,SchedulingDisabled   2m5s',
      '',
      'NAMESPACE   NAME             READY   UP-TO-DATE   AVAILABLE   AGE',
      'shop        deployment/web   2/3     3            1           2m5s',
      '',
      'NAMESPACE   NAME        READY   STATUS        RESTARTS   IP           NODE     AGE',
      'shop        pod/web-1   0/1     Terminating   0          <none>       <none>   2m5s',
      'shop        pod/web-2   1/1     Running       2          10.244.0.2   node-0   2m5s',
      '',
      'NAMESPACE   LAST SEEN            TYPE     REASON    OBJECT      MESSAGE',
      'shop        65s (x4 over 2m5s)   Normal   BackOff   Pod/web-1   wait',
      'shop        5s                   Normal   Killing   Pod/web-1   Stopping container web',
    ].join('\n'),
  )
})

test.each([
  [0, '0:00.000'],
  [61_234_567, '1:01.234'],
  [599_999_999, '9:59.999'],
])('moment %i', (micros, text) => expect(moment(micros)).toBe(text))
test.each([
  [350, '350 us'],
  [1_500, '1.5 ms'],
  [4_500_000, '4.5 s'],
  [125_000_000, '2 m 5 s'],
  [180_000_000, '3 m'],
])('duration %i', (micros, text) => expect(duration(micros)).toBe(text))
test.each([
  [45, '45s'],
  [119, '119s'],
  [125, '2m5s'],
  [1_000, '16m'],
  [10_800, '3h'],
])('age of %i seconds', (seconds, text) => expect(age(seconds * SECOND)).toBe(text))

test('a reproduction holds the whole scenario', () => {
  const text = vitestFile(fakeScenario(), failed([]), [{ atMicros: 0, text: 'it began' }], {
    propertiesModule: './own.js',
  })
  expect(text).toMatch(/^\/\/ {2}1\. 0:00\.000 {2}it began\n/)
  expect(text).toContain('"format": "seatrial/scenario"')
  expect(text).toContain("import register from './own.js'")
  expect(text).toContain("import { trial } from 'seatrial/vitest'")
  expect(text).toContain(', { scenario, register })')
})

test('a campaign says what was waited for in vain, and which suites prove nothing of what they name', () => {
  const text = printSummary(
    {
      trials: 2,
      verdicts: { passed: 2, failed: 0, vacuous: 0, diverged: 0, exhausted: 0, error: 0 },
      virtualMicros: 1,
      steps: 1,
      faults: [],
      reached: [],
      neverReached: ['vain'],
      neverMet: [{ property: 'vain', triggers: ['a Pod with "leaving"'] }],
      vacuousSuites: [{ suite: 'tides', properties: ['vain', 'other'] }],
      sometimesSeen: [],
      sometimesNeverSeen: [],
      failures: [],
    },
    1_000_000,
  )
  expect(text).toContain('never reached (they proved nothing): vain')
  expect(text).toContain('vain waited in vain for a Pod with "leaving"')
  expect(text).toContain('the suite tides names and never reached vain and other')
})

test('a step that fails is told as kubectl would say it', () => {
  const drain = { id: 'w1', kind: 'drain', atMicros: 0, node: 'node-1' } as const
  const finished = (code: number) =>
    phraseOf({ type: 'step-finished', id: 'w1', step: drain, code } as TimedFact['fact'])
  expect(finished(429)?.text).toBe('kubectl: drain node-1 fails: 429 TooManyRequests')
  expect(finished(0)?.text).toBe('kubectl: drain node-1 gets no answer')
  expect(finished(418)?.text).toBe('kubectl: drain node-1 fails: 418')
  expect(finished(200)).toBeUndefined()
})

test('what a property saw is the line before the last of its story', () => {
  const result = failed([])
  const lines = storyOf(
    fakeScenario(),
    { ...result, violation: { ...result.violation!, saw: 'status.phase: Running -> Failed' } },
    fakeRegistry(),
  )
  expect(lines.slice(-2).map(({ text }) => text.split(' ')[0])).toEqual(['SAW', 'BROKEN'])
  expect(lines.at(-2)?.text).toBe('SAW status.phase: Running -> Failed')
})

test('a story says what the quiet phase leaves unhealed, and nothing of it where it was not reached', () => {
  const scenario = fakeScenario({
    core: ['etcd-0', 'etcd-1', 'master-0', 'node-0'],
    unhealed: {
      'etcd-2': { kind: 'deaf' },
      'master-1': { kind: 'flapping', cutMicros: 2 * SECOND, wholeMicros: 15 * SECOND },
      'node-1': { kind: 'lossy', lossPpm: 125_000 },
    },
    durationMicros: 20 * SECOND,
  })
  const said = printStory(storyOf(scenario, failed([]), fakeRegistry()))
  expect(said).toContain(
    '0:20.000  only the core is healed; for good, etcd-2: heard, but hears nothing; master-1: cut off for 2 s, back for 15 s, again and again; node-1: 12.5 % of its messages are lost; node-2: no power',
  )
  const early = printStory(storyOf({ ...scenario, durationMicros: 40 * SECOND }, failed([]), fakeRegistry()))
  expect(early).not.toContain('healed')
})
