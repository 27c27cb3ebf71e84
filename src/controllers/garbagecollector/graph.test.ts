// The owner graph: what must be looked at after each event; and a property over random orders of the same events.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { KubeObject } from '../../objects/index.ts'
import { GARBAGE_COLLECTOR_DECISIONS, type GarbageCollectorDecisions } from './decisions.ts'
import { type Attempt, OwnerGraph } from './graph.ts'

interface Shape {
  readonly kind?: string
  readonly namespace?: string
  readonly owners?: readonly { readonly name: string; readonly kind?: string; readonly blocks?: boolean }[]
  readonly finalizers?: readonly string[]
  readonly going?: boolean
}

function object(name: string, shape: Shape = {}): KubeObject {
  const apiVersion = (kind: string) => (kind === 'ReplicaSet' || kind === 'Deployment' ? 'apps/v1' : 'v1')
  const kind = shape.kind ?? 'ConfigMap'
  return {
    apiVersion: apiVersion(kind),
    kind,
    metadata: {
      name,
      namespace: kind === 'Node' ? undefined : (shape.namespace ?? 'default'),
      uid: name,
      finalizers: shape.finalizers,
      deletionTimestamp: shape.going === true ? '2025-01-01T00:00:00Z' : undefined,
      ownerReferences: shape.owners?.map((owner) => ({
        apiVersion: apiVersion(owner.kind ?? 'ConfigMap'),
        kind: owner.kind ?? 'ConfigMap',
        name: owner.name,
        uid: owner.name,
        blockOwnerDeletion: owner.blocks,
      })),
    },
  }
}

function said(
  act: (graph: OwnerGraph, attempts: Attempt[]) => void,
  decisions: Partial<GarbageCollectorDecisions> = {},
): string[] {
  const attempts: Attempt[] = []
  act(new OwnerGraph({ ...GARBAGE_COLLECTOR_DECISIONS, ...decisions }), attempts)
  return attempts.map((attempt) => `${attempt.kind} ${attempt.uid}`)
}

const at = (name: string, namespace = 'default', kind = 'ConfigMap') => ({ apiVersion: 'v1', kind, namespace, name })

test.each<[string, (graph: OwnerGraph, attempts: Attempt[]) => void, string[]]>([
  [
    'owner before dependent: nothing',
    (graph, attempts) => {
      graph.observe(object('owner'), attempts)
      graph.observe(object('child', { owners: [{ name: 'owner' }] }), attempts)
    },
    [],
  ],
  [
    'dependent before owner: the guess is verified',
    (graph, attempts) => {
      graph.observe(object('child', { owners: [{ name: 'owner' }] }), attempts)
      graph.observe(object('owner'), attempts)
    },
    ['verify owner'],
  ],
  [
    'the owner goes: its dependents are judged',
    (graph, attempts) => {
      graph.observe(object('owner'), attempts)
      graph.observe(object('a', { owners: [{ name: 'owner' }] }), attempts)
      graph.observe(object('b', { owners: [{ name: 'owner' }] }), attempts)
      graph.remove('owner', attempts)
    },
    ['delete a', 'delete b'],
  ],
  [
    'foreground: dependents, then the owner, then again as the last one goes',
    (graph, attempts) => {
      graph.observe(object('owner'), attempts)
      graph.observe(object('child', { owners: [{ name: 'owner', blocks: true }] }), attempts)
      graph.observe(object('owner', { going: true, finalizers: ['foregroundDeletion'] }), attempts)
      graph.observe(object('owner', { going: true, finalizers: ['foregroundDeletion'] }), attempts)
      graph.remove('child', attempts)
    },
    ['delete child', 'delete owner', 'delete owner'],
  ],
  [
    'a dependent that stops blocking frees the owner',
    (graph, attempts) => {
      graph.observe(object('owner', { going: true, finalizers: ['foregroundDeletion'] }), attempts)
      attempts.length = 0
      graph.observe(object('child', { owners: [{ name: 'owner', blocks: true }] }), attempts)
      graph.observe(object('child', { owners: [{ name: 'owner', blocks: false }] }), attempts)
    },
    ['delete owner'],
  ],
  [
    'orphaning',
    (graph, attempts) => {
      graph.observe(object('owner'), attempts)
      graph.observe(object('owner', { going: true, finalizers: ['orphan'] }), attempts)
    },
    ['orphan owner'],
  ],
  [
    'an owner that is really elsewhere: the dependent is judged',
    (graph, attempts) => {
      graph.observe(object('owner', { namespace: 'one' }), attempts)
      graph.observe(object('child', { namespace: 'two', owners: [{ name: 'owner' }] }), attempts)
    },
    ['delete child'],
  ],
  [
    'a guess that turns out elsewhere: only those who guessed are judged',
    (graph, attempts) => {
      graph.observe(object('bad', { namespace: 'two', owners: [{ name: 'owner' }] }), attempts)
      graph.observe(object('good', { namespace: 'one', owners: [{ name: 'owner' }] }), attempts)
      attempts.length = 0
      graph.observe(object('owner', { namespace: 'one' }), attempts)
    },
    ['delete bad'],
  ],
  [
    'absent where some mean it: those are judged, the others get the next guess',
    (graph, attempts) => {
      graph.observe(object('bad', { namespace: 'two', owners: [{ name: 'owner' }] }), attempts)
      graph.observe(object('good', { namespace: 'one', owners: [{ name: 'owner' }] }), attempts)
      attempts.length = 0
      graph.provedAbsent('owner', at('owner', 'two'), attempts)
    },
    ['delete bad', 'verify owner'],
  ],
  [
    'absent for all: the guess is dropped',
    (graph, attempts) => {
      graph.observe(object('child', { owners: [{ name: 'owner' }] }), attempts)
      attempts.length = 0
      graph.provedAbsent('owner', at('owner'), attempts)
      expect([
        graph.node('owner'),
        graph.isAbsent('owner', at('owner')),
        graph.isAbsent('owner', at('owner', 'two')),
      ]).toEqual([undefined, true, false])
    },
    ['delete child'],
  ],
  [
    'a cluster-scoped owner has no namespace',
    (graph, attempts) => {
      graph.observe(object('child', { owners: [{ name: 'node', kind: 'Node' }] }), attempts)
      expect(graph.node('node')?.coordinates).toEqual(at('node', '', 'Node'))
    },
    ['verify node'],
  ],
])('%s', (_name, act, expected) => {
  expect(said(act)).toEqual(expected)
})

test('gc-virtual-owner-wrong-namespace: the guess takes the namespace of the dependent, an absence counts for every place', () => {
  const buggy: Partial<GarbageCollectorDecisions> = {
    gcOwnerCoordinates: (reference, namespace) => ({
      apiVersion: reference.apiVersion,
      kind: reference.kind,
      namespace,
      name: reference.name,
    }),
    gcAbsenceKey: (uid) => uid,
    gcAbsenceConcerns: () => true,
  }
  const scoped = (graph: OwnerGraph, attempts: Attempt[]) => {
    graph.observe(object('child', { owners: [{ name: 'node', kind: 'Node' }] }), attempts)
    expect(graph.node('node')?.coordinates.namespace).toBe('default')
  }
  expect(said(scoped, buggy)).toEqual(['verify node'])
  const crossed = (graph: OwnerGraph, attempts: Attempt[]) => {
    graph.observe(object('bad', { namespace: 'two', owners: [{ name: 'owner' }] }), attempts)
    graph.observe(object('good', { namespace: 'one', owners: [{ name: 'owner' }] }), attempts)
    attempts.length = 0
    graph.provedAbsent('owner', at('owner', 'two'), attempts)
  }
  expect(said(crossed, buggy)).toContain('delete good')
  expect(said(crossed)).not.toContain('delete good')
})

test('whatever the order of first sight, the graph is the same and no dependent of a live owner is judged', () => {
  const forest = fc.array(fc.record({ owner: fc.integer({ min: -1, max: 8 }), blocks: fc.boolean() }), {
    minLength: 1,
    maxLength: 9,
  })
  fc.assert(
    fc.property(forest, fc.infiniteStream(fc.nat()), (shapes, draws) => {
      const objects = shapes.map((shape, index) => {
        const owner =
          shape.owner >= 0 && shape.owner < index ? [{ name: `o${shape.owner}`, blocks: shape.blocks }] : undefined
        return object(`o${index}`, { owners: owner })
      })
      const shuffled = [...objects]
      for (let i = shuffled.length - 1; i > 0; i--) {
        const j = (draws.next().value as number) % (i + 1)
        ;[shuffled[i], shuffled[j]] = [shuffled[j] as KubeObject, shuffled[i] as KubeObject]
      }
      const graph = new OwnerGraph(GARBAGE_COLLECTOR_DECISIONS)
      const attempts: Attempt[] = []
      for (const entry of shuffled) graph.observe(entry, attempts)
      expect(attempts.filter((attempt) => attempt.kind === 'delete')).toEqual([])
      expect(graph.size).toBe(objects.length)
      for (const { metadata } of objects) {
        const node = graph.node(metadata.uid as string)
        const dependents = objects.filter((entry) =>
          entry.metadata.ownerReferences?.some((owner) => owner.uid === metadata.uid),
        )
        expect([...(node?.dependents ?? [])].map((dependent) => dependent.uid).sort()).toEqual(
          dependents.map((entry) => entry.metadata.uid).sort(),
        )
        expect(node?.virtual).toBe(false)
      }
    }),
    { seed: 5, numRuns: 200 },
  )
})
