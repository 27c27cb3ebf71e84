/** Faults are drawn where they find something to strike, and seldom anywhere else. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SMALL_TOPOLOGY, type WorkloadStep } from '../cluster/index.ts'
import { SECOND } from '../kernel/time.ts'
import { workloadArbitrary } from './arbitraries.ts'
import { faultsArbitrary } from './fault-arbitraries.ts'
import { type FaultKind, Registry } from './registry.ts'

function kind(id: string, more: Partial<FaultKind> = {}): FaultKind {
  return {
    id,
    title: id,
    parameters: {},
    arbitrary: () => fc.constant({ durationMicros: 10 * SECOND, parameters: {} }),
    validate: () => undefined,
    inject: () => ({ heal() {}, evidence: () => [] }),
    describe: () => id,
    ...more,
  }
}

const registry = new Registry()
  .fault(kind('anywhere'))
  .fault(kind('at-drains', { bitesDuring: ['drain'] }))
  .fault(kind('at-scaling', { bitesDuring: ['scale'] }))
  .fault(
    kind('beside', {
      occasions: ({ faults }) => faults.filter((other) => other.kind === 'anywhere').map(({ atMicros }) => atMicros),
    }),
  )

const drain: WorkloadStep = { id: 'w1', atMicros: 30 * SECOND, kind: 'drain', node: 'node-0' }

function drawn(kinds: readonly string[]) {
  const options = { fromMicros: 0, toMicros: 60 * SECOND, workload: [drain], least: 1, most: 4, kinds }
  return fc.sample(faultsArbitrary(registry, SMALL_TOPOLOGY, options), { numRuns: 400, seed: 7 })
}

test('a kind that bites during a step begins just before one, seven times out of eight', () => {
  const faults = drawn(['at-drains']).flat()
  const near = faults.filter(({ atMicros }) => atMicros >= 26 * SECOND && atMicros <= 30 * SECOND)
  expect(near.length / faults.length).toBeGreaterThan(0.8)
  expect(near.length).toBeLessThan(faults.length)
})

test('a kind without its step gives way to one that has it, and is drawn now and then all the same', () => {
  const faults = drawn(['at-drains', 'at-scaling']).flat()
  const idle = faults.filter((fault) => fault.kind === 'at-scaling').length / faults.length
  expect(idle).toBeGreaterThan(0)
  expect(idle).toBeLessThan(0.2)
})

test('a kind that strikes beside another is drawn around that one', () => {
  const scenarios = drawn(['anywhere', 'beside'])
  const beside = scenarios.flatMap((faults) =>
    faults.filter((fault) => fault.kind === 'beside').map((fault) => ({ fault, faults })),
  )
  const near = beside.filter(({ fault, faults }) =>
    faults.some(({ kind: other, atMicros }) => {
      const lead = atMicros - fault.atMicros
      return other === 'anywhere' && lead >= 0 && lead <= 4 * SECOND
    }),
  )
  expect(beside.length).toBeGreaterThan(50)
  expect(near.length / beside.length).toBeGreaterThan(0.6)
  for (const faults of scenarios) {
    expect(faults.map(({ atMicros }) => atMicros)).toEqual(faults.map(({ atMicros }) => atMicros).sort((a, b) => a - b))
    expect(faults.map(({ id }) => id)).toEqual(faults.map((_, index) => `f${index + 1}`))
  }
})

test('members are promoted once they are learners, and now and then in any order', () => {
  const topology = { ...SMALL_TOPOLOGY, spareEtcdMembers: 1 }
  const options = { fromMicros: 0, toMicros: 60 * SECOND, objects: [], least: 3, most: 6 }
  const workloads = fc.sample(
    workloadArbitrary(topology, { ...options, kinds: ['etcd-member-add', 'etcd-member-promote'] }),
    { numRuns: 400, seed: 7 },
  )
  const promoting = workloads.filter((steps) => steps.some(({ kind: one }) => one === 'etcd-member-promote'))
  const inVain = promoting.filter(([first]) => first?.kind !== 'etcd-member-add' || first.learner !== true)
  expect(promoting.length).toBeGreaterThan(200)
  expect(inVain.length).toBeGreaterThan(0)
  expect(inVain.length / promoting.length).toBeLessThan(0.06)
})
