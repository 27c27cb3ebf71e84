// What a real etcd 3.4.23 was seen to answer, played on our member: a hundred random sequences, and those that once differed.
// The recordings come from `npm run oracle:etcd -- --record`.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { type Observation, Rehearsal, type SeenWatch, type Step } from './rehearsal.ts'

interface Recorded {
  readonly learned?: string
  readonly steps: readonly Step[]
  readonly answers: readonly Observation[]
  readonly watches: readonly (readonly SeenWatch[])[]
}

function recorded(name: string): readonly Recorded[] {
  const text = readFileSync(new URL(`../../fixtures/observed/${name}.json`, import.meta.url), 'utf8')
  return (JSON.parse(text) as { readonly sequences: readonly Recorded[] }).sequences
}

function replay({ steps, answers, watches }: Recorded): void {
  const rehearsal = new Rehearsal()
  steps.forEach((step, at) => {
    expect(plain(rehearsal.play(step)), JSON.stringify(step)).toEqual(answers[at])
  })
  if (answers.at(-1)?.crashed !== true) expect(plain(rehearsal.watches())).toEqual(watches)
}

/** Without what is undefined, as the recording is. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}

test.each(recorded('etcd-differences'))('$learned', (one) => {
  replay(one)
})

test('the recorded sequences', () => {
  const sequences = recorded('etcd-sequences')
  expect(sequences.length).toBeGreaterThanOrEqual(100)
  const asked = new Set<string>()
  let events = 0
  for (const one of sequences) {
    replay(one)
    for (const step of one.steps) asked.add(step.do === 'ask' ? step.request.type : step.do)
    for (const { events: seen } of one.watches.flat()) events += seen.length
  }
  // The recording holds every kind of question, and watches that saw something.
  expect([...asked].sort()).toEqual([
    'alarm',
    'compact',
    'delete',
    'expire',
    'lease-grant',
    'lease-keep-alive',
    'lease-list',
    'lease-revoke',
    'lease-time-to-live',
    'put',
    'range',
    'stop',
    'txn',
    'watch',
  ])
  expect(events).toBeGreaterThan(300)
})
