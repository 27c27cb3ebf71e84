/** A fault that has healed leaves nothing behind, also in a process that was stopped when it healed. */
import { expect, test } from 'vitest'
import { Cluster, SMALL_TOPOLOGY, staleInformers, unconverged } from '../../src/cluster/index.ts'
import { deploymentOf } from '../../src/cluster/testing.ts'
import type { FaultKind, FaultStep } from '../../src/trial/registry.ts'
import { laggingCache } from './api.ts'
import { slowConsumer } from './slow-consumer.ts'

const SECOND = 1_000_000

/** A cluster at rest with two pods of `web`. */
function clusterAtRest(): Cluster {
  const cluster = new Cluster({
    seed: 'healing',
    topology: { ...SMALL_TOPOLOGY, apiServers: 1, controllerManagers: 1 },
  })
  cluster.boot([deploymentOf('web', 2)])
  cluster.run(30 * SECOND)
  expect(cluster.isQuiet()).toBe(true)
  return cluster
}

function inject(cluster: Cluster, kind: FaultKind, parameters: FaultStep['parameters']) {
  return kind.inject(cluster, { id: 'f1', kind: kind.id, atMicros: 0, durationMicros: 0, parameters })
}

function scale(cluster: Cluster, replicas: number): void {
  const atMicros = cluster.kernel.now
  cluster.scheduleWorkload([{ id: 'w1', atMicros, kind: 'scale', namespace: 'default', deployment: 'web', replicas }])
}

test.each([
  ['lagging-cache', laggingCache, { server: 'apiserver-0' }, 'apiserver-0'],
  ['slow-consumer', slowConsumer, { process: 'controller-manager-0', lagMicros: 5 * SECOND }, 'controller-manager-0'],
] as const)('%s heals in a process that is stopped, once it goes on', (_id, kind, parameters, name) => {
  const cluster = clusterAtRest()
  const process = cluster.process(name)
  const fault = inject(cluster, kind, parameters)
  scale(cluster, 3)
  cluster.run(cluster.kernel.now + 2 * SECOND)
  expect(staleInformers(cluster.truth, cluster.informers())).not.toEqual([])
  cluster.kernel.pause(process)
  fault.heal()
  cluster.run(cluster.kernel.now + 2 * SECOND)
  cluster.kernel.resume(process)
  cluster.run(cluster.kernel.now + 60 * SECOND)
  expect(unconverged(cluster.truth)).toEqual([])
  expect(staleInformers(cluster.truth, cluster.informers())).toEqual([])
})

test('a watch cache that could not be held back did not fall behind', () => {
  const cluster = clusterAtRest()
  cluster.kernel.pause(cluster.process('apiserver-0'))
  const fault = inject(cluster, laggingCache, { server: 'apiserver-0' })
  cluster.kernel.resume(cluster.process('apiserver-0'))
  scale(cluster, 3)
  cluster.run(cluster.kernel.now + 20 * SECOND)
  fault.heal()
  expect(fault.evidence().map(({ count }) => count)).toEqual([0])
})
