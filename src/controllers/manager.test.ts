// The whole manager against the API double: from a deployment to ready endpoints, a rollout, a failover.
import { expect, test } from 'vitest'
import { SECOND } from '../kernel/index.ts'
import { isPodReady } from '../objects/index.ts'
import { ApiDouble } from './testing.ts'
import { deployment, managerFor, PodRunner, service } from './testingpods.ts'

test('a deployment becomes ready pods behind a service, and a new template rolls out', () => {
  const api = new ApiDouble()
  const peer = api.connect(managerFor())
  new PodRunner(api, ['node-0', 'node-1', 'node-2'])
  api.add('services', service('web', 'web'))
  api.add('deployments', deployment('web', 4))
  api.advance(10 * SECOND)
  expect(peer.notes.filter((note) => note.type === 'sync-failed')).toEqual([])
  expect(api.list('pods').filter(isPodReady)).toHaveLength(4)
  const status = api.get('deployments', 'default/web')?.status
  expect(status).toMatchObject({ replicas: 4, updatedReplicas: 4, readyReplicas: 4, availableReplicas: 4 })
  expect(status?.conditions?.find((condition) => condition.type === 'Progressing')?.reason).toBe(
    'NewReplicaSetAvailable',
  )
  const slices = api.list('endpointslices')
  expect(slices).toHaveLength(1)
  expect(slices[0]?.endpoints).toHaveLength(4)
  expect(slices[0]?.ports).toEqual([{ name: 'web', port: 80, protocol: 'TCP' }])
  api.change('deployments', 'default/web', (before) => ({
    ...before,
    spec: { ...before.spec, template: deployment('web', 4, {}, 'v2').spec.template },
  }))
  api.advance(30 * SECOND)
  const images = api.list('pods').map((pod) => pod.spec.containers[0]?.image)
  expect(images).toEqual(['v2', 'v2', 'v2', 'v2'])
  expect(api.list('replicasets').map((set) => set.spec.replicas)).toEqual([0, 4])
  expect(api.get('deployments', 'default/web')?.metadata.annotations).toMatchObject({
    'deployment.kubernetes.io/revision': '2',
  })
})

test('an idle manager sends nothing', () => {
  const api = new ApiDouble()
  api.connect(managerFor())
  new PodRunner(api, ['node-0'])
  api.add('deployments', deployment('web', 3))
  api.advance(30 * SECOND)
  const before = api.requests.length
  for (let i = 0; i < 4; i++) {
    api.change('nodes', 'node-0', (node) => ({
      ...node,
      status: {
        conditions: [{ ...node.status?.conditions?.[0], type: 'Ready', status: 'True', lastHeartbeatTime: `t${i}` }],
      },
    }))
    api.advance(30 * SECOND)
  }
  expect(api.requests.slice(before)).toEqual([])
})

test('the standby has no informers and takes over when the leader is gone', () => {
  const api = new ApiDouble()
  const first = managerFor({ leaderElection: {} })
  const second = managerFor({ leaderElection: {}, name: 'kube-controller-manager-1' })
  const peer = api.connect(first)
  api.advance(SECOND)
  api.connect(second)
  api.advance(5 * SECOND)
  expect([first.leading, second.leading]).toEqual([true, false])
  expect([first.running, second.informers]).toEqual([true, undefined])
  const watchers = api.requests.filter((request) => request.verb === 'watch').length
  expect(watchers).toBe(12)
  peer.crash()
  api.advance(30 * SECOND)
  expect(second.running).toBe(true)
  new PodRunner(api, ['node-0'])
  api.add('deployments', deployment('web', 2))
  api.peers.splice(0, 1)
  api.advance(10 * SECOND)
  expect(api.list('pods')).toHaveLength(2)
})
