/** By the stored objects alone: what is bound to a node fits it, and a bound pod is never bound elsewhere. */
import { isPodTerminal, milliValue, podRequests, wholeValue } from '../../src/objects/index.ts'
import type { PropertyDefinition } from '../../src/trial/registry.ts'
import { forEach, never, property, reached } from '../../src/trial/temporal/index.ts'

interface Charge {
  readonly node: string
  readonly milliCpu: number
  readonly memoryBytes: number
}

export const noOvercommit: PropertyDefinition = {
  id: 'node-not-overcommitted',
  mode: 'always',
  claim:
    'the requests of the pods bound to a node and not over never exceed what it can allocate, while one scheduler leads undisturbed',
  source: 'kubernetes pkg/scheduler/framework/plugins/noderesources/fit.go, v1.33',
  trigger: 'a pod with requests was bound',
  catches: ['planted-weightless-pods'],
  monitor(cluster, report) {
    const charges = new Map<string, Charge>()
    const totals = new Map<string, { milliCpu: number; memoryBytes: number; pods: number }>()
    const drop = (key: string) => {
      const charge = charges.get(key)
      const total = charge === undefined ? undefined : totals.get(charge.node)
      if (charge === undefined || total === undefined) return
      total.milliCpu -= charge.milliCpu
      total.memoryBytes -= charge.memoryBytes
      total.pods--
      charges.delete(key)
    }
    cluster.truth.onChange('pods', ({ key, current }) => {
      if (current === undefined || isPodTerminal(current)) {
        drop(key)
        return
      }
      const node = current.spec.nodeName
      if (node === undefined || charges.has(key)) return
      const { milliCpu, memoryBytes } = podRequests(current.spec)
      charges.set(key, { node, milliCpu, memoryBytes })
      const total = totals.get(node) ?? { milliCpu: 0, memoryBytes: 0, pods: 0 }
      totals.set(node, total)
      total.milliCpu += milliCpu
      total.memoryBytes += memoryBytes
      total.pods++
      if (milliCpu > 0 || memoryBytes > 0) report.reached()
      const allocatable = cluster.truth.get('nodes', node)?.status?.allocatable
      if (allocatable === undefined || !cluster.calm.leaderSteady('kube-system/kube-scheduler')) return
      const cpu = milliValue(allocatable.cpu ?? '0')
      const memory = wholeValue(allocatable.memory ?? '0')
      const pods = wholeValue(allocatable.pods ?? '0')
      const over =
        total.milliCpu > cpu
          ? `${total.milliCpu}m CPU of ${cpu}m`
          : total.memoryBytes > memory
            ? `${total.memoryBytes} bytes of ${memory}`
            : total.pods > pods
              ? `${total.pods} pods of ${pods}`
              : ''
      if (over !== '')
        report.fail({
          subject: node,
          shape: 'overcommitted',
          message: `with ${key} bound to it, ${node} is asked for ${over}`,
        })
    })
    return {}
  },
}

export const boundOnce = property({
  id: 'pod-bound-once',
  claim: 'a pod that is bound to a node is never bound to another',
  source: 'kubernetes pkg/registry/core/pod/storage (BindingREST), v1.33',
  trigger: 'a pod was bound',
  catches: ['planted-restless-binding'],
  formula: [
    forEach('pods', (pod) =>
      never(
        pod.does(
          'leaves its node',
          ({ spec: before }, { spec }) => before.nodeName !== undefined && before.nodeName !== spec.nodeName,
        ),
      ),
    ),
    reached(forEach('pods', (pod) => pod.is('bound', ({ spec }) => spec.nodeName !== undefined))),
  ],
  shape: 'bound-twice',
})
