// Silent nodes in small stories against the API double: marks, taints, evictions, lost contact.
import { expect, test } from 'vitest'
import { MINUTE, SECOND } from '../../kernel/index.ts'
import { isPodReady } from '../../objects/index.ts'
import { ApiDouble, type Peer } from '../testing.ts'
import { lease, managerFor, node, PodRunner, replicaSet, template } from '../testingpods.ts'
import { computeUnknownConditions } from './health.ts'

function stage(
  options: Parameters<typeof managerFor>[0] = {},
  nodes = ['node-0', 'node-1', 'node-2'],
): { api: ApiDouble; peer: Peer; runner: PodRunner } {
  const api = new ApiDouble()
  const peer = api.connect(managerFor(options))
  const runner = new PodRunner(api, nodes)
  api.advance(SECOND)
  return { api, peer, runner }
}

const facts = (peer: Peer, type: string) => peer.notes.filter((note) => note.type === type)

const TOLERATIONS = ['not-ready', 'unreachable'].map((key) => ({
  key: `node.kubernetes.io/${key}`,
  operator: 'Exists',
  effect: 'NoExecute',
  tolerationSeconds: 30,
}))

function beat(api: ApiDouble, names: readonly string[]): void {
  for (const name of names) {
    const renewTime = `2025-01-01T00:00:00.${String(Math.floor(api.now / SECOND)).padStart(6, '0')}Z`
    if (api.get('leases', `kube-node-lease/${name}`) === undefined) api.add('leases', lease(name, renewTime))
    else
      api.change('leases', `kube-node-lease/${name}`, (before) => ({ ...before, spec: { ...before.spec, renewTime } }))
  }
}

function live(api: ApiDouble, seconds: number, names: readonly string[]): void {
  for (let i = 0; i < seconds; i += 10) {
    beat(api, names)
    api.advance(10 * SECOND)
  }
}

test('a silent node: unknown, tainted, its pods not ready and after their patience evicted; it comes back clean', () => {
  const { api, peer } = stage()
  const withPatience = template({ app: 'web' }, 'v1')
  const spec = { ...withPatience.spec, tolerations: TOLERATIONS } as never
  api.add('replicasets', replicaSet('web', 6, { template: { ...withPatience, spec } }))
  live(api, 30, ['node-0', 'node-1', 'node-2'])
  const onNode = () => api.list('pods').filter((entry) => entry.spec.nodeName === 'node-0')
  const before = onNode().map((entry) => entry.metadata.name)
  expect(before).toHaveLength(2)
  live(api, 60, ['node-1', 'node-2'])
  const silent = api.get('nodes', 'node-0')
  expect(silent?.status?.conditions?.find((entry) => entry.type === 'Ready')?.status).toBe('Unknown')
  expect(silent?.spec.taints?.map((taint) => `${taint.key}:${taint.effect}`)).toEqual([
    'node.kubernetes.io/unreachable:NoSchedule',
    'node.kubernetes.io/unreachable:NoExecute',
  ])
  expect(onNode().filter(isPodReady)).toEqual([])
  expect(facts(peer, 'pod-evicted-by-taint')).toEqual([])
  live(api, 40, ['node-1', 'node-2'])
  expect(facts(peer, 'pod-evicted-by-taint')).toHaveLength(2)
  api.change('nodes', 'node-0', (entry) => ({
    ...entry,
    status: { conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: 'x' }] },
  }))
  live(api, 10, ['node-0', 'node-1', 'node-2'])
  expect(api.get('nodes', 'node-0')?.spec.taints).toEqual([])
})

test('when contact with every node is lost nothing is evicted, and grace starts anew when it returns', () => {
  const { api, peer } = stage()
  api.add('replicasets', replicaSet('web', 6))
  live(api, 30, ['node-0', 'node-1', 'node-2'])
  api.advance(5 * MINUTE)
  expect(facts(peer, 'zone-state').at(-1)).toMatchObject({ state: 'FullDisruption' })
  expect(facts(peer, 'node-marked-unknown')).toHaveLength(3)
  expect([facts(peer, 'node-tainted-noexecute'), facts(peer, 'pod-evicted-by-taint')]).toEqual([[], []])
  for (const name of ['node-0', 'node-1', 'node-2']) {
    api.change('nodes', name, (entry) => ({
      ...entry,
      status: { conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: 'x' }] },
    }))
  }
  live(api, 60, ['node-0', 'node-1', 'node-2'])
  expect(facts(peer, 'pod-evicted-by-taint')).toEqual([])
  expect(facts(peer, 'zone-state').at(-1)).toMatchObject({ state: 'Normal' })
})

test('nodes that are unknown already when a new leader starts stay marked, without a new write', () => {
  const api = new ApiDouble()
  const old = node('node-0')
  api.add('nodes', { ...old, status: { conditions: computeUnknownConditions(old, 0) } })
  api.add('nodes', node('node-1'))
  const peer = api.connect(managerFor())
  api.advance(20 * SECOND)
  expect(facts(peer, 'node-marked-unknown')).toEqual([])
  expect(facts(peer, 'node-tainted-noexecute')).toHaveLength(1)
})
