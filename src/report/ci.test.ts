/** What continuous integration reads: well-formed, complete, with stable names, whatever a message holds. */
import { Ajv } from 'ajv'
import { expect, test } from 'vitest'
import type { TrialResult } from '../trial/index.ts'
import { fakeProperty } from '../trial/testing.ts'
import { githubAnnotations, markdownSummary } from './github.ts'
import { summaryLine, trialLine } from './json.ts'
import { junitXml } from './junit.ts'
import { LINES_SCHEMA } from './lines.ts'
import type { ReportedCampaign, ReportedFailure } from './reported.ts'
import { sarifJson } from './sarif.ts'

const failure = (parts: Partial<ReportedFailure> = {}): ReportedFailure => ({
  signature: 'a/late/pod',
  verdict: 'failed',
  property: 'a',
  count: 3,
  message: 'a pod of <web> & "db" was 100% late:\nby \u001b[31m3 s\u001b[0m',
  file: '.seatrial/corpus/a-late.scenario.json',
  trial: 'small:1:17',
  replay: 'npx seatrial replay .seatrial/corpus/a-late.scenario.json',
  story: [' 1. 0:00.000  A cluster', ' 2. 0:07.000  BROKEN a'],
  ...parts,
})
const campaign = (failures: readonly ReportedFailure[]): ReportedCampaign => ({
  name: 'seatrial fuzz',
  release: '1.2.3',
  wallMicros: 1_500_000,
  failures,
  properties: ['a', 'b', 'c'].map((id) => fakeProperty(id, () => ({}))),
  summary: {
    trials: 20,
    verdicts: { passed: 17, failed: 3, vacuous: 0, diverged: 0, exhausted: 0, error: 0 },
    virtualMicros: 1,
    steps: 1,
    faults: [{ kind: 'partition', injected: 2, bit: 1 }],
    reached: [
      { property: 'a', trials: 20 },
      { property: 'b', trials: 4 },
    ],
    neverReached: ['c'],
    neverMet: [{ property: 'b', triggers: ['a drain'] }],
    vacuousSuites: [],
    sometimesSeen: [],
    sometimesNeverSeen: [],
    failures: [],
  },
})
const another = failure({ signature: 'a/early/pod', count: 1, message: 'too early' })
const { property: _, ...nobodys } = failure({ signature: 'exhausted', verdict: 'exhausted', count: 1, story: [] })

/** Elements in the order in which they open, after a check that all are closed and every character is XML's. */
function elementsOf(xml: string): { readonly name: string; readonly attributes: Readonly<Record<string, string>> }[] {
  expect(xml).not.toMatch(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/u)
  expect(xml.replaceAll(/&(amp|lt|gt|quot|#\d+);/g, '')).not.toMatch(/&/)
  const open: string[] = []
  const elements = []
  for (const [, slash, name = '', inner = '', end] of xml.matchAll(
    /<(\/?)([a-z]+)((?:\s+[a-z]+="[^"<>]*")*)\s*(\/?)>/g,
  )) {
    if (slash === '/') expect(open.pop()).toBe(name)
    else {
      const attributes = Object.fromEntries(
        [...inner.matchAll(/([a-z]+)="([^"]*)"/g)].map(([, key, value]) => [key!, value!]),
      )
      elements.push({ name, attributes })
      if (end !== '/') open.push(name)
    }
  }
  expect(open).toEqual([])
  return elements
}

test('JUnit: a test case for each property with one failure at most, skipped if it was never reached', () => {
  const xml = junitXml(campaign([failure(), another, nobodys]))
  const elements = elementsOf(xml)
  expect(elements.filter(({ name }) => name === 'testcase').map(({ attributes }) => attributes)).toEqual([
    { classname: 'seatrial.properties', name: 'a', time: '0.000' },
    { classname: 'seatrial.properties', name: 'b', time: '0.000' },
    { classname: 'seatrial.properties', name: 'c', time: '0.000' },
    { classname: 'seatrial.harness', name: 'exhausted', time: '0.000' },
  ])
  expect(elements.filter(({ name }) => ['failure', 'error', 'skipped'].includes(name)).map(({ name }) => name)).toEqual(
    ['failure', 'skipped', 'error'],
  )
  expect(elements.find(({ name }) => name === 'testsuite')?.attributes).toEqual({
    ...{ name: 'seatrial fuzz', tests: '4', failures: '1', errors: '1', skipped: '1', time: '1.500' },
  })
  expect(elements.find(({ name }) => name === 'failure')?.attributes).toEqual({
    type: 'a/late/pod',
    message: 'a pod of &lt;web&gt; &amp; &quot;db&quot; was 100% late:&#10;by [31m3 s[0m',
  })
  expect(xml).toContain('a/early/pod (1 trial): too early')
  expect(elementsOf(junitXml(campaign([]))).filter(({ name }) => name === 'failure')).toEqual([])
})

test('SARIF: rules by property, a place, a story, and a fingerprint that does not change from run to run', () => {
  interface Log {
    readonly version: string
    readonly runs: readonly {
      readonly tool: { readonly driver: { readonly rules: readonly { readonly id: string }[] } }
      readonly results: readonly {
        readonly ruleId: string
        readonly ruleIndex: number
        readonly partialFingerprints: Readonly<Record<string, string>>
        readonly codeFlows?: unknown
      }[]
    }[]
  }
  const log = JSON.parse(sarifJson(campaign([failure(), another, nobodys]))) as Log
  const [run] = log.runs
  expect(log.version).toBe('2.1.0')
  expect(run?.tool.driver.rules.map(({ id }) => id)).toEqual(['a', 'seatrial-harness'])
  expect(run?.results.map(({ ruleId, ruleIndex }) => [ruleId, ruleIndex])).toEqual([
    ['a', 0],
    ['a', 0],
    ['seatrial-harness', 1],
  ])
  expect(run?.results[0]).toMatchObject({
    level: 'error',
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: '.seatrial/corpus/a-late.scenario.json' },
          region: { startLine: 1 },
        },
      },
    ],
    codeFlows: [{ threadFlows: [{ locations: [{ location: { message: { text: ' 1. 0:00.000  A cluster' } } }, {}] }] }],
  })
  expect(run?.results[2]?.codeFlows).toBeUndefined()
  const elsewhere = JSON.parse(
    sarifJson(campaign([failure({ file: 'x/y.json', count: 7, trial: 'small:9:1', message: 'another pod' })])),
  ) as Log
  expect(elsewhere.runs[0]?.results[0]?.partialFingerprints).toEqual(run?.results[0]?.partialFingerprints)
  expect(run?.results[1]?.partialFingerprints).not.toEqual(run?.results[0]?.partialFingerprints)
})

test('annotations: one line each, escaped as workflow commands want it, and no more than are shown', () => {
  expect(githubAnnotations(campaign([failure()]))).toEqual([
    '::error file=.seatrial/corpus/a-late.scenario.json,line=1,title=a/late/pod (3x)::a pod of <web> & "db" was 100%25 late:%0Aby \u001b[31m3 s\u001b[0m%0Areplay: npx seatrial replay .seatrial/corpus/a-late.scenario.json',
  ])
  expect(githubAnnotations(campaign([failure({ signature: 'a:b,c', file: 'x,y:z' })]))[0]).toMatch(
    /^::error file=x%2Cy%3Az,line=1,title=a%3Ab%2Cc \(3x\)::/,
  )
  expect(githubAnnotations(campaign(Array.from({ length: 40 }, () => failure())))).toHaveLength(10)
})

test('the page: verdicts, stories, replay commands; markup in messages stays text; it is never too long', () => {
  const page = markdownSummary(campaign([failure(), another]))
  expect(page).toMatch(/^## ❌ seatrial fuzz: 2 kinds of failure\n/)
  expect(page).toContain('20 trials in 1.5 s')
  expect(markdownSummary(campaign([failure()]))).toMatch(/^## ❌ seatrial fuzz: 1 kind of failure\n/)
  expect(page).toContain('(3 trials; the first is `')
  expect(page).toContain('a pod of \\<web\\> & "db" was 100% late: by')
  expect(page).toContain('```sh\nnpx seatrial replay .seatrial/corpus/a-late.scenario.json\n```')
  expect(page).toContain('| partition | 2 | 1 |')
  expect(page).toContain('Never reached, so they proved nothing: `c`.')
  expect(markdownSummary(campaign([]))).toMatch(/^## ✅ seatrial fuzz: nothing failed\n/)
  const long = campaign(Array.from({ length: 2_000 }, () => failure({ story: ['x'.repeat(1_000)] })))
  expect(Buffer.byteLength(markdownSummary(long))).toBeLessThan(1 << 20)
})

test('fixtures/lines.schema.json is up to date', async () => {
  await expect(`${JSON.stringify(LINES_SCHEMA, null, 2)}\n`).toMatchFileSnapshot('../../fixtures/lines.schema.json')
})

test('lines of JSON are as the schema says; a member that is missing is noticed', () => {
  const validate = new Ajv({ strict: false }).compile(LINES_SCHEMA)
  const result: TrialResult = {
    verdict: 'failed',
    ...{ scenarioId: 'x', signature: 'a/late/pod', traceHash: '0', virtualMicros: 1, steps: 1 },
    violation: { property: 'a', subject: 'Pod x', message: 'late', shape: 'late', atMicros: 1 },
    ledger: [{ fault: 'f1', kind: 'partition', atMicros: 1, injected: true, bit: false, evidence: [] }],
    ...{ reached: [], seen: [], facts: [] },
  }
  const trial = JSON.parse(trialLine({ trialId: 's:1:2', result, wallMicros: 3 })) as Record<string, unknown>
  expect(validate(trial)).toBe(true)
  expect(validate({ ...trial, steps: 'many' })).toBe(false)
  expect(validate({ ...trial, verdict: undefined })).toBe(false)
  const { summary } = campaign([])
  const failures = [{ signature: 'a/late/pod', count: 1, first: { trialId: 's:1:2', result } }]
  expect(validate(JSON.parse(summaryLine({ ...summary, failures }, 1)))).toBe(true)
  expect(validate({ type: 'something-new', x: 1 })).toBe(true)
  expect(validate({ x: 1 })).toBe(false)
})
