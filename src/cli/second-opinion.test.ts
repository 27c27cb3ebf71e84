/** What is said of two runs that differ: the first event that does, or that a verdict alone ended one of them early. */
import { expect, test } from 'vitest'
import type { TrialResult } from '../trial/index.ts'
import { fakeScenario } from '../trial/testing.ts'
import type { ScenarioAnswer } from './jobs.ts'
import { type Runner, secondOpinion } from './second-opinion.ts'

const passed = (traceHash: string): TrialResult => ({
  verdict: 'passed',
  ...{ scenarioId: 'x', traceHash, virtualMicros: 1, steps: 2 },
  ...{ ledger: [], reached: [], seen: [], facts: [] },
})
const failed = (traceHash: string): TrialResult => ({
  ...passed(traceHash),
  verdict: 'failed',
  signature: 'mine/s/pod',
  violation: { property: 'mine', subject: 'Pod a', message: 'm', shape: 's', atMicros: 1 },
})
const LINES = [
  '1 0 us etcd-0 start 0 (because of 0)',
  '2 5 us etcd-0 timer 7 (because of 1)',
  '3 9 us etcd-1 timer 7 (because of 1)',
]

/** Gives one answer after the other, and then the last one again. */
function runner(...answers: readonly (readonly [TrialResult, readonly string[]])[]): Runner {
  let next = 0
  return {
    run: (() => {
      const [result, trace] = answers[Math.min(next++, answers.length - 1)]!
      const answer: ScenarioAnswer = { result, wallMicros: 0, trace }
      return Promise.resolve(answer)
    }) as unknown as Runner['run'],
  }
}

test('runs that agree need no words', async () => {
  const whole = runner([passed('a'), LINES])
  expect(await secondOpinion(fakeScenario({}), passed('a'), whole, whole)).toBeUndefined()
})

test('the first event that differs, and what differs in it', async () => {
  const other = runner([passed('b'), [LINES[0]!, '2 6 us etcd-0 timer 7 (because of 1)']])
  const opinion = await secondOpinion(fakeScenario({}), passed('a'), runner([passed('a'), LINES]), other)
  expect(opinion?.verdict).toBe('diverged')
  expect(opinion?.error?.message).toMatch(
    /event 2: the time differs: "2 5 us .*" here, "2 6 us .*" in another process$/,
  )
})

test('a verdict that ends one run early, here or there, is no difference in what happened', async () => {
  const there = await secondOpinion(
    fakeScenario({}),
    passed('a'),
    runner([passed('a'), LINES]),
    runner([failed('b'), LINES.slice(0, 2)]),
  )
  expect(there?.error?.message).toMatch(
    /every event is the same up to event 2, at which the run in another process ends: failed \(mine\); something remembers earlier runs.*; the verdict was passed here and failed \(mine\) in another process$/,
  )
  const here = await secondOpinion(
    fakeScenario({}),
    passed('a'),
    runner([failed('b'), LINES.slice(0, 2)]),
    runner([failed('b'), LINES.slice(0, 2)], [passed('a'), LINES]),
  )
  expect(here?.error?.message).toMatch(/up to event 2, at which the run here ends: failed \(mine\)/)
})

test('a run that is only shorter has no event where the other has one', async () => {
  const short = runner([passed('b'), LINES.slice(0, 2)])
  const opinion = await secondOpinion(fakeScenario({}), passed('a'), runner([passed('a'), LINES]), short)
  expect(opinion?.error?.message).toMatch(/event 3: "3 9 us .*" here, "no event" in another process$/)
})
