/**
 * A controller that dies between two of its writes: it is killed at the moment at which the API server has taken one. What it
 * meant to do next has to be done by whoever leads after it, from what is stored alone (Sun et al., "Automatic Reliability
 * Testing for Cluster Management Controllers", OSDI 2022: intermediate states).
 */
import fc from 'fast-check'
import type { ApiRequestHandled } from '../../src/apiserver/index.ts'
import { type Cluster, namesOf } from '../../src/cluster/index.ts'
import type { Micros } from '../../src/kernel/index.ts'
import type { FaultKind } from '../../src/trial/registry.ts'
import { amount, rounded, text, wrongAmount, wrongName } from '../targets.ts'
import { disturbing, lasting, seconds } from './define.ts'

const COMPONENTS = ['kube-controller-manager', 'kube-scheduler'] as const
const RESOURCES = ['nodes', 'pods', 'replicasets', 'deployments', 'endpointslices'] as const

export const crashAfterWrite: FaultKind = {
  id: 'crash-after-write',
  title: 'kills the replicas of an elected component right after one of its writes was taken',
  parameters: {
    component: 'kube-controller-manager or kube-scheduler',
    resource: 'what is written',
    nth: 'which write from the beginning of the fault on, from 1',
    downMicros: 'how long they stay down, microseconds',
  },
  arbitrary: () =>
    fc.record({
      durationMicros: rounded(10_000_000, 90_000_000, 1_000_000),
      parameters: fc.record({
        component: fc.constantFrom(...COMPONENTS),
        resource: fc.constantFrom(...RESOURCES),
        nth: fc.integer({ min: 1, max: 4 }),
        downMicros: rounded(0, 5_000_000, 500_000),
      }),
    }),
  validate: (step) =>
    wrongName(step, 'component', COMPONENTS) ??
    wrongName(step, 'resource', RESOURCES) ??
    wrongAmount(step, 'nth', 1, 1000) ??
    wrongAmount(step, 'downMicros', 0, 600_000_000),
  inject(cluster, step) {
    const { kernel } = cluster
    const user = `system:${text(step, 'component')}`
    const resource = text(step, 'resource')
    const downMicros: Micros = amount(step, 'downMicros')
    const processes = replicasOf(cluster, text(step, 'component')).map((name) => cluster.process(name))
    let writesLeft = amount(step, 'nth')
    const killed: number[] = []
    const restart = () => {
      for (const process of killed) if (!kernel.isRunning(process)) kernel.restart(process)
    }
    const stop = kernel.subscribe('api-request', (fact) => {
      const request = fact as ApiRequestHandled
      if (request.user !== user || request.resource !== resource || request.code >= 300 || --writesLeft !== 0) return
      cluster.later(0, () => {
        for (const process of processes) {
          if (!kernel.isRunning(process)) continue
          kernel.crash(process)
          killed.push(process)
        }
        cluster.later(downMicros, restart)
      })
    })
    return disturbing(cluster, processes, {
      heal() {
        stop()
        restart()
      },
      evidence: () => [{ what: 'processes killed', count: killed.length }],
    })
  },
  describe: (step) =>
    `${text(step, 'component')} is killed after write ${amount(step, 'nth')} of ${text(step, 'resource')} and starts again after ${seconds(amount(step, 'downMicros'))}, once ${lasting(step)}`,
}

function replicasOf({ topology }: Cluster, component: string): readonly string[] {
  const { controllerManagers, schedulers } = namesOf(topology)
  return component === 'kube-scheduler' ? schedulers : controllerManagers
}
