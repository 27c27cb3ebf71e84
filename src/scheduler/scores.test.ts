/** Tables of the scores, and how many nodes are looked at. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Rand } from '../kernel/random.ts'
import { Algorithm, feasibleNodesToFind } from './algorithm.ts'
import { SchedulerCache } from './cache.ts'
import { SCHEDULER_DECISIONS } from './decisions.ts'
import { unknownNode, withNode, withPod } from './nodeinfo.ts'
import { podInfoOf } from './podinfo.ts'
import { balancedAllocation, leastAllocated } from './scores.ts'
import { Snapshot } from './snapshot.ts'
import { type NodeWords, nodeOf, type PodWords, podOf } from './testing.ts'

const taken = (words: PodWords | undefined) => {
  const node = withNode(unknownNode('node-0'), nodeOf({ cpu: '4', memory: '8Gi' }), 1)
  return words === undefined ? node : withPod(node, podInfoOf(podOf(words)), 2)
}

test.each<{ bound?: PodWords; pod: PodWords; least: number; balanced: number }>([
  { pod: { cpu: '4', memory: '8Gi' }, least: 0, balanced: 100 },
  { pod: { cpu: '2', memory: '4Gi' }, least: 50, balanced: 100 },
  { pod: { cpu: '4', memory: '4Gi' }, least: 25, balanced: 75 },
  { pod: { cpu: '1', memory: '2Gi' }, bound: { cpu: '1', memory: '2Gi' }, least: 50, balanced: 100 },
  { pod: { cpu: '1' }, bound: { cpu: '1' }, least: 72, balanced: 75 },
  { pod: {}, least: 97, balanced: 100 },
])('$bound then $pod: least allocated $least, balanced $balanced', ({ bound, pod, least, balanced }) => {
  expect(leastAllocated(podInfoOf(podOf(pod)), taken(bound))).toBe(least)
  expect(balancedAllocation(podInfoOf(podOf(pod)), taken(bound))).toBe(balanced)
})

function choose(pod: PodWords, nodes: readonly NodeWords[], bound: readonly PodWords[] = [], attempt = 1) {
  const cache = new SchedulerCache(SCHEDULER_DECISIONS)
  for (const node of nodes) cache.setNode(nodeOf(node))
  bound.forEach((words, index) => {
    cache.setPod(podOf({ name: `bound-${index}`, ...words }))
  })
  const snapshot = new Snapshot()
  snapshot.update(cache)
  return new Algorithm(new Rand(1, 2), 0).choose(podInfoOf(podOf(pod)), attempt, snapshot)
}

test('the emptier node wins', () => {
  const nodes = [{ name: 'a' }, { name: 'b' }]
  expect(choose({ cpu: '1' }, nodes, [{ cpu: '2', memory: '2Gi', nodeName: 'a' }]).node).toBe('b')
})

test('a PreferNoSchedule taint outweighs emptiness, unless tolerated', () => {
  const nodes: NodeWords[] = [{ name: 'a', taints: [{ key: 'old', effect: 'PreferNoSchedule' }] }, { name: 'b' }]
  const bound = [{ cpu: '2', memory: '4Gi', nodeName: 'b' }]
  expect(choose({ cpu: '1' }, nodes, bound).node).toBe('b')
  expect(choose({ cpu: '1', spec: { tolerations: [{ operator: 'Exists' }] } }, nodes, bound).node).toBe('a')
})

test('preferred node affinity counts by weight', () => {
  const preference = (value: string) => ({
    matchExpressions: [{ key: 'disk', operator: 'In' as const, values: [value] }],
  })
  const nodeAffinity = {
    preferredDuringSchedulingIgnoredDuringExecution: [
      { weight: 10, preference: preference('hdd') },
      { weight: 90, preference: preference('ssd') },
    ],
  }
  const nodes: NodeWords[] = [
    { name: 'a', labels: { disk: 'hdd' } },
    { name: 'b', labels: { disk: 'ssd' } },
  ]
  expect(
    choose({ spec: { affinity: { nodeAffinity } } }, nodes, [{ cpu: '2', memory: '4Gi', nodeName: 'b' }]).node,
  ).toBe('b')
})

test('equals are drawn by pod and attempt: the same draw again, all of them in turn', () => {
  const nodes = [{ name: 'a' }, { name: 'b' }, { name: 'c' }]
  const drawn = Array.from({ length: 30 }, (_, index) => choose({ name: `pod-${index}` }, nodes).node)
  expect(drawn).toEqual(Array.from({ length: 30 }, (_, index) => choose({ name: `pod-${index}` }, nodes).node))
  expect(new Set(drawn).size).toBe(3)
})

test('a refusal says how many nodes had which reason', () => {
  const choice = choose({ cpu: '8' }, [{ name: 'a' }, { name: 'b' }, { name: 'c', unschedulable: true }])
  expect(choice).toEqual({
    node: undefined,
    message: '0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient cpu.',
    rejectedBy: new Set(['NodeResourcesFit', 'NodeUnschedulable']),
  })
})

test.each([
  [3, 0, 3],
  [99, 0, 99],
  [100, 0, 100],
  [1_000, 0, 420],
  [5_000, 0, 500],
  [6_000, 0, 300],
  [20_000, 0, 1_000],
  [1_000, 5, 100],
  [1_000, 100, 1_000],
])('of %i nodes at %i %% the search stops after %i feasible ones', (nodes, percentage, expected) => {
  expect(feasibleNodesToFind(nodes, percentage)).toBe(expected)
})

test('in a large cluster successive searches begin where the last one stopped', () => {
  const cache = new SchedulerCache(SCHEDULER_DECISIONS)
  for (let index = 0; index < 1_000; index++) cache.setNode(nodeOf({ name: `node-${index}` }))
  const snapshot = new Snapshot()
  const algorithm = new Algorithm(new Rand(1, 2), 0)
  const ranges = [0, 1, 2].map((attempt) => {
    snapshot.update(cache)
    const choice = algorithm.choose(podInfoOf(podOf({ name: `pod-${attempt}` })), attempt, snapshot)
    return Math.floor(Number(choice.node?.slice('node-'.length)) / 420)
  })
  expect(ranges.slice(0, 2)).toEqual([0, 1])
})

test('remembered judgements change no choice: a pod of a known shape goes where one of its own kind would', () => {
  const change = fc.record({
    what: fc.constantFrom('place', 'place', 'place', 'node', 'gone'),
    index: fc.nat(5),
    size: fc.integer({ min: 1, max: 4 }),
  })
  // A preference that no node meets changes nothing but that the pod has no shape.
  const preference = { matchExpressions: [{ key: 'none', operator: 'Exists' as const }] }
  const nodeAffinity = { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, preference }] }
  fc.assert(
    fc.property(fc.array(change, { maxLength: 60, size: 'max' }), (changes) => {
      const cache = new SchedulerCache(SCHEDULER_DECISIONS)
      const snapshot = new Snapshot()
      const algorithms = [0, 1].map(() => new Algorithm(new Rand(1, 2), 0))
      changes.forEach(({ what, index, size }, step) => {
        const name = `node-${index}`
        const unschedulable = step % 7 === 0
        if (what === 'node') cache.setNode(nodeOf({ name, cpu: `${size}`, pods: `${size + 1}`, unschedulable }))
        else if (what === 'gone') cache.removeNode(name)
        else {
          snapshot.update(cache)
          const words: PodWords = { name: `pod-${step}`, cpu: `${size * 250}m`, memory: `${size % 2}Gi` }
          const plain = podInfoOf(podOf(words))
          const own = podInfoOf(podOf({ ...words, spec: { affinity: { nodeAffinity } } }))
          expect([plain.shape === undefined, own.shape === undefined]).toEqual([false, true])
          const choices = [plain, own].map((pod, which) => algorithms[which]?.choose(pod, 1, snapshot))
          expect(choices[0]).toEqual(choices[1])
          const { node } = choices[0] as { node: string | undefined }
          if (node !== undefined) cache.assume(plain, node)
        }
      })
    }),
    { seed: 25, numRuns: 300 },
  )
})
