/** The scheduling queue: order, back-off, and which event wakes which unschedulable pod. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RecordingOut } from '../kernel/testing.ts'
import { MILLISECOND, MINUTE, SECOND } from '../kernel/time.ts'
import type { FilterName } from './filters.ts'
import type { ClusterEvent } from './hints.ts'
import { unknownNode, withNode } from './nodeinfo.ts'
import { podInfoOf } from './podinfo.ts'
import { type QueuedPod, SchedulingQueue } from './queue.ts'
import { type NodeWords, nodeOf, type PodWords, podOf } from './testing.ts'

const OPTIONS = {
  podInitialBackoffMicros: SECOND,
  podMaxBackoffMicros: 10 * SECOND,
  unschedulableFlushMicros: 5 * MINUTE,
}

function setUp() {
  const out = new RecordingOut()
  const ready: number[] = []
  const queue = new SchedulingQueue(OPTIONS, { onPodReady: () => ready.push(out.now) })
  const add = (words: PodWords) => queue.add(podInfoOf(podOf(words)), out)
  return { out, queue, add, ready }
}

const fit: ReadonlySet<FilterName> = new Set(['NodeResourcesFit'])
const nodeAdded = (words: NodeWords = {}): ClusterEvent => ({
  kind: 'node-added',
  node: withNode(unknownNode('node-0'), nodeOf(words), 1),
})
const gone: ClusterEvent = { kind: 'pod-gone', pod: undefined }

test('higher priority first, then who came first', () => {
  const { out, queue, add } = setUp()
  add({ name: 'a' })
  out.advance(SECOND)
  add({ name: 'b' })
  add({ name: 'urgent', spec: { priority: 1_000 } })
  expect([queue.pop(), queue.pop(), queue.pop()].map((pod) => pod?.info.pod.metadata.name)).toEqual([
    'urgent',
    'a',
    'b',
  ])
  expect(queue.pop()).toBeUndefined()
})

test('an unschedulable pod waits for an event that may help, or five minutes', () => {
  const { out, queue, add } = setUp()
  add({ name: 'a', cpu: '2' })
  queue.giveBack(queue.pop() as QueuedPod, fit, out)
  out.advance(2 * SECOND)
  queue.onEvent(nodeAdded({ cpu: '1' }), out)
  queue.onEvent({ kind: 'pod-bound' }, out)
  expect([queue.activeCount, queue.unschedulableCount]).toEqual([0, 1])
  queue.onEvent(nodeAdded({ cpu: '2' }), out)
  expect([queue.activeCount, queue.unschedulableCount]).toEqual([1, 0])
  queue.giveBack(queue.pop() as QueuedPod, fit, out)
  out.advance(5 * MINUTE + SECOND)
  expect(queue.activeCount).toBe(1)
})

test('backing off: 1 s after the first attempt, doubling to 10 s, counted from when the pod came back', () => {
  const { out, queue, add, ready } = setUp()
  add({ name: 'a' })
  for (let attempt = 0; attempt < 6; attempt++) {
    queue.giveBack(queue.pop() as QueuedPod, new Set(), out)
    out.advance(10 * SECOND)
  }
  const seconds = ready.map((at, index) => (at - index * 10 * SECOND + 10 * SECOND) / SECOND)
  expect(seconds.slice(1)).toEqual([1, 2, 4, 8, 10, 10])
})

test('an event while the pod is in its cycle is not missed', () => {
  const { out, queue, add } = setUp()
  add({ name: 'a' })
  const pod = queue.pop() as QueuedPod
  queue.onEvent(gone, out)
  queue.giveBack(pod, fit, out)
  expect([queue.backoffCount, queue.unschedulableCount]).toEqual([1, 0])
})

test.each<[string, FilterName, ClusterEvent, boolean]>([
  ['a deleted pod frees resources', 'NodeResourcesFit', gone, true],
  ['a deleted pod changes no taint', 'TaintToleration', gone, false],
  ['a bound pod may be company', 'InterPodAffinity', { kind: 'pod-bound' }, true],
  ['a new node that is tainted', 'TaintToleration', nodeAdded({ taints: [{ key: 'x', effect: 'NoSchedule' }] }), false],
  ['a new node that is cordoned', 'NodeUnschedulable', nodeAdded({ unschedulable: true }), false],
  ['a new node', 'NodeAffinity', nodeAdded(), true],
])('hint: %s (%s)', (_, filter, event, moved) => {
  const { out, queue, add } = setUp()
  add({ name: 'a' })
  queue.giveBack(queue.pop() as QueuedPod, new Set([filter]), out)
  queue.onEvent(event, out)
  expect(queue.unschedulableCount).toBe(moved ? 0 : 1)
})

test('every waiting pod is in exactly one place and comes out in the end', () => {
  const step = fc.record({
    what: fc.constantFrom('add', 'delete', 'pop-done', 'pop-error', 'pop-refused', 'event', 'update', 'wait'),
    pod: fc.nat(5),
    milliseconds: fc.nat(3_000),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const { out, queue, add } = setUp()
      const waiting = new Set<string>()
      for (const { what, pod, milliseconds } of steps) {
        const name = `pod-${pod}`
        if (what === 'add') {
          add({ name })
          waiting.add(name)
        } else if (what === 'delete') {
          queue.delete(`default/${name}`)
          waiting.delete(name)
        } else if (what === 'update') {
          queue.update(podInfoOf(podOf({ name })), milliseconds > 1_500, out)
          waiting.add(name)
        } else if (what === 'event') queue.onEvent(gone, out)
        else if (what === 'wait') out.advance(milliseconds * MILLISECOND)
        else {
          const popped = queue.pop()
          if (popped === undefined) continue
          if (what === 'pop-done') {
            queue.done(popped.info.id)
            waiting.delete(popped.info.pod.metadata.name)
          } else queue.giveBack(popped, what === 'pop-error' ? new Set() : fit, out)
        }
        expect(queue.activeCount + queue.backoffCount + queue.unschedulableCount).toBe(waiting.size)
      }
      out.advance(6 * MINUTE)
      const left = new Set<string>()
      for (let pod = queue.pop(); pod !== undefined; pod = queue.pop()) left.add(pod.info.pod.metadata.name)
      expect(left).toEqual(waiting)
    }),
    { seed: 21, numRuns: 400 },
  )
})
