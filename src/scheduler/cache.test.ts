/** The cache of nodes with assumed pods: it equals a recount of what it was told, after any changes. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SchedulerCache } from './cache.ts'
import { SCHEDULER_DECISIONS } from './decisions.ts'
import type { NodeInfo } from './nodeinfo.ts'
import { podInfoOf } from './podinfo.ts'
import { Snapshot } from './snapshot.ts'
import { nodeOf, podOf } from './testing.ts'

const change = fc.record({
  what: fc.constantFrom('assume', 'forget', 'bound', 'removed', 'node', 'node-removed', 'snapshot'),
  pod: fc.nat(7),
  node: fc.nat(2),
  cpu: fc.integer({ min: 0, max: 9 }),
})

const digest = (nodes: Iterable<NodeInfo>) =>
  [...nodes]
    .filter(({ node }) => node !== undefined)
    .map((info) => {
      const pods = info.pods.map(({ key }) => key).sort()
      return `${info.name} ${info.requestedMilliCpu}/${info.allocatableMilliCpu} ${pods.join(',')}`
    })
    .sort()

test('sums equal the pods, a pod is in one place, and a snapshot equals the cache, after any changes', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 80 }), (changes) => {
      const cache = new SchedulerCache(SCHEDULER_DECISIONS)
      const snapshot = new Snapshot()
      for (const { what, pod, node, cpu } of changes) {
        const words = { name: `pod-${pod}`, uid: `uid-${pod}`, cpu: `${cpu}` }
        const nodeName = `node-${node}`
        if (what === 'assume') {
          if (!cache.hasPod(words.uid)) cache.assume(podInfoOf(podOf(words)), nodeName)
        } else if (what === 'forget') cache.forget(words.uid)
        else if (what === 'bound') cache.setPod(podOf({ ...words, nodeName }))
        else if (what === 'removed') cache.removePod(podOf(words))
        else if (what === 'node') cache.setNode(nodeOf({ name: nodeName, cpu: `${cpu}` }))
        else if (what === 'node-removed') cache.removeNode(nodeName)
        else snapshot.update(cache)
        const seen = new Set<string>()
        for (const info of cache.nodes()) {
          expect(info.requestedMilliCpu).toBe(info.pods.reduce((sum, { milliCpu }) => sum + milliCpu, 0))
          for (const { id } of info.pods) {
            expect(seen.has(id)).toBe(false)
            seen.add(id)
            expect(cache.nodeOf(id)).toBe(info.name)
          }
        }
        expect(seen.size).toBe(cache.podCount)
      }
      snapshot.update(cache)
      expect(digest(snapshot.nodes)).toEqual(digest(cache.nodes()))
    }),
    { seed: 22, numRuns: 400 },
  )
})

test('seam scheduler-generation-collision: a node made anew with as many changes is taken for the old one', () => {
  for (const [decisions, expected] of [
    [SCHEDULER_DECISIONS, 1_000],
    [{ ...SCHEDULER_DECISIONS, nextGeneration: (own: number) => own + 1 }, 4_000],
  ] as const) {
    const cache = new SchedulerCache(decisions)
    const snapshot = new Snapshot()
    cache.setNode(nodeOf({ cpu: '4' }))
    snapshot.update(cache)
    cache.removeNode('node-0')
    cache.setNode(nodeOf({ cpu: '1' }))
    snapshot.update(cache)
    expect(snapshot.get('node-0')?.allocatableMilliCpu).toBe(expected)
  }
})

test('assuming a pod that is counted breaks an invariant', () => {
  const cache = new SchedulerCache(SCHEDULER_DECISIONS)
  cache.setPod(podOf({ nodeName: 'node-0' }))
  expect(() => cache.assume(podInfoOf(podOf()), 'node-1')).toThrow('is not assumed again')
})
