/** Whom a fault of the network comes between: everybody but neighbours on one node, who need no network. */
import { expect, test } from 'vitest'
import { Cluster, SMALL_TOPOLOGY } from '../src/cluster/index.ts'
import { othersThan, processesOf } from './targets.ts'

const cluster = new Cluster({ seed: 'targets', topology: SMALL_TOPOLOGY })

test.each([
  ['kubelet-1', ['runtime-1', 'kube-proxy-1'], ['runtime-0', 'kubelet-0', 'apiserver-0', 'etcd-0']],
  ['node-1', ['runtime-1', 'kubelet-1'], ['runtime-0', 'kube-proxy-2', 'apiserver-1', 'etcd-2']],
  ['etcd-0', ['etcd-0'], ['etcd-1', 'apiserver-0', 'kubelet-0', 'runtime-0']],
  ['controller-manager-0', ['controller-manager-0'], ['apiserver-0', 'scheduler-0', 'kubelet-1']],
])('cut off from others: %s', (name, together, apart) => {
  const others = othersThan(cluster, processesOf(cluster, [name]))
  const isCutOff = (other: string) => others.has(cluster.process(other))
  expect(together.filter(isCutOff)).toEqual([])
  expect(apart.filter((other) => !isCutOff(other))).toEqual([])
})
