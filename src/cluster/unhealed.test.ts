/** What a quiet phase leaves unhealed: who hears whom then, what the core makes of it, and when that counts as come to rest. */
import { expect, test } from 'vitest'
import { SECOND } from '../kernel/index.ts'
import { deploymentOf, TestCluster } from './testing.ts'
import { SMALL_TOPOLOGY } from './topology.ts'
import { longestCutOf, type UnhealedCondition, type UnhealedHosts, unhealedMistake } from './unhealed.ts'

const HOSTS = ['etcd-0', 'etcd-1', 'etcd-2', 'master-0', 'master-1', 'node-0', 'node-1', 'node-2']
const coreWithout = (...outside: readonly string[]) => HOSTS.filter((host) => !outside.includes(host))

/** A cluster that leaves these hosts alone, each in its condition. */
function left(unhealed: UnhealedHosts): TestCluster {
  const world = new TestCluster().boot(deploymentOf('web', 2))
  world.cluster.keepOnly(coreWithout(...Object.keys(unhealed)), unhealed)
  return world
}

/** May anything pass from one process to another? */
function passes({ cluster }: TestCluster, from: string, to: string): boolean {
  const [sender, receiver] = [cluster.process(from), cluster.process(to)]
  return !cluster.kernel.network.rules.some(
    (rule) => rule.verdict.kind === 'drop' && rule.from?.has(sender) === true && rule.to?.has(receiver) === true,
  )
}

test.each<readonly [UnhealedCondition, isHeard: boolean, hears: boolean]>([
  [{ kind: 'isolated' }, false, false],
  [{ kind: 'deaf' }, true, false],
  [{ kind: 'mute' }, false, true],
  [{ kind: 'lossy', lossPpm: 200_000 }, true, true],
])('%j: is heard %s, hears %s', (condition, isHeard, hears) => {
  const world = left({ 'etcd-1': condition })
  expect(passes(world, 'etcd-1', 'etcd-0')).toBe(isHeard)
  expect(passes(world, 'etcd-0', 'etcd-1')).toBe(hears)
  expect(world.cluster.isLost('etcd-1')).toBe(!isHeard || !hears)
  expect(world.cluster.isUnhealed('etcd-1')).toBe(true)
  expect(world.cluster.isUnhealed('etcd-0')).toBe(false)
})

test('one that flaps is cut off and back by turns, for ever', () => {
  const world = left({ 'node-1': { kind: 'flapping', cutMicros: 2 * SECOND, wholeMicros: 10 * SECOND } })
  world.run(SECOND)
  const seen = Array.from({ length: 24 }, () => {
    const open = passes(world, 'kubelet-1', 'apiserver-0')
    world.run(SECOND)
    return open ? '+' : '-'
  }).join('')
  expect(seen).toBe('-++++++++++--++++++++++-')
  expect(world.cluster.isLost('node-1')).toBe(false)
})

test('those that are cut off are the other side of one partition; one that is only hard to hear is no bridge', () => {
  const world = left({
    'etcd-2': { kind: 'isolated' },
    'node-1': { kind: 'deaf' },
    'master-1': { kind: 'lossy', lossPpm: 100_000 },
  })
  expect(passes(world, 'kubelet-1', 'etcd-2') && passes(world, 'etcd-2', 'kubelet-1')).toBe(true)
  expect(passes(world, 'apiserver-1', 'kubelet-1')).toBe(false)
  expect(passes(world, 'apiserver-1', 'etcd-2')).toBe(false)
})

test('a node that is cut off becomes NotReady; one that flaps within bounds stays Ready', () => {
  const world = left({
    'node-1': { kind: 'isolated' },
    'node-2': { kind: 'flapping', cutMicros: longestCutOf('node-2'), wholeMicros: 10 * SECOND },
  })
  const ready = (name: string) =>
    world.cluster.truth.get('nodes', name)?.status?.conditions?.find(({ type }) => type === 'Ready')?.status
  const steady = []
  for (let round = 0; round < 200; round++) {
    world.run(SECOND)
    steady.push(ready('node-2'))
  }
  expect(ready('node-1')).toBe('Unknown')
  expect(steady.filter((status) => status !== 'True')).toEqual([])
})

test('the core is not at rest before it has felt the loss, nor when it commits nothing', () => {
  const world = left({ 'etcd-1': { kind: 'isolated' } })
  world.run(50 * SECOND)
  expect(world.cluster.isQuiet()).toBe(false)
  world.run(15 * SECOND)
  expect(world.cluster.isQuiet()).toBe(true)
  for (const member of ['etcd-0', 'etcd-2']) world.cluster.kernel.pause(world.cluster.process(member))
  world.run(40 * SECOND)
  expect(world.cluster.isQuiet()).toBe(false)
  expect(world.cluster.unconverged()[0]).toMatch(/^etcd core: nothing has been committed for \d\d s$/)
})

test.each<readonly [core: readonly string[] | undefined, UnhealedHosts, what: RegExp]>([
  [undefined, { 'node-1': { kind: 'deaf' } }, /there is no core/],
  [coreWithout('node-1'), { 'node-7': { kind: 'deaf' } }, /there is no host "node-7"/],
  [coreWithout('node-1'), { 'node-2': { kind: 'deaf' } }, /node-2 is in the core/],
  [
    coreWithout('node-1'),
    { 'node-1': { kind: 'flapping', cutMicros: 11 * SECOND, wholeMicros: 30 * SECOND } },
    /cut off for more than 10000000 us/,
  ],
  [
    coreWithout('master-1'),
    { 'master-1': { kind: 'flapping', cutMicros: 4 * SECOND, wholeMicros: 30 * SECOND } },
    /cut off for more than 3000000 us/,
  ],
  [
    coreWithout('node-1'),
    { 'node-1': { kind: 'flapping', cutMicros: SECOND, wholeMicros: SECOND } },
    /back for less than 10000000 us/,
  ],
  [coreWithout('node-1'), { 'node-1': { kind: 'lossy', lossPpm: 900_000 } }, /more than 300000 of a million/],
])('core %j with %j makes no sense', (core, unhealed, what) => {
  expect(unhealedMistake(SMALL_TOPOLOGY, core, unhealed)).toMatch(what)
})
