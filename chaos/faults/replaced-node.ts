/**
 * A machine that is taken away for good, with its Node object, and another of the same name that takes its place: a cloud
 * provider repairs, somebody chooses a larger kind. What ran there is lost.
 */
import fc from 'fast-check'
import { type Cluster, namesOf, type Topology } from '../../src/cluster/index.ts'
import { type Deployment, type KubeObject, milliValue, type Pod, podRequests } from '../../src/objects/index.ts'
import type { FaultKind } from '../../src/trial/registry.ts'
import { amount, oneOf, rounded, text, wrongAmount, wrongName } from '../targets.ts'
import { disturbing, seconds } from './define.ts'

/** More than a deployment of the suites is ever scaled to, its surge included. */
const REPLICAS_MOST = 7

export const replacedNode: FaultKind = {
  id: 'replaced-node',
  title: 'takes a machine away with its Node object; another of the same name and other capacity takes its place',
  parameters: { node: 'the node', milliCpu: 'what the new machine offers, thousandths of a CPU' },
  arbitrary: (topology, objects) =>
    fc.record({
      durationMicros: rounded(500_000, 10_000_000, 500_000),
      parameters: fc.record({
        node: oneOf(namesOf(topology).nodes),
        milliCpu: fc.constantFrom(...sizes(topology, objects)),
      }),
    }),
  validate: (step, topology) =>
    wrongName(step, 'node', namesOf(topology).nodes) ?? wrongAmount(step, 'milliCpu', 100, 1_000_000),
  inject(cluster, step) {
    const node = text(step, 'node')
    const { kernel } = cluster
    const processes = cluster.processesNamed(node)
    const struck = processes.some((process) => kernel.isRunning(process))
    let gone = false
    let healed = false
    kernel.crashHost(node)
    cluster.setCapacity(node, { ...cluster.topology.nodeCapacity, cpu: `${amount(step, 'milliCpu')}m` })
    cluster.deleteNode(node, () => {
      gone = true
      // The new machine finds no trace of the old one.
      if (healed) cluster.later(0, () => bootAnew(cluster, node))
    })
    return disturbing(cluster, processes, {
      heal() {
        healed = true
        if (gone) bootAnew(cluster, node)
      },
      evidence: () => [{ what: 'machines replaced', count: struck ? 1 : 0 }],
    })
  },
  describe: (step) =>
    `${text(step, 'node')} is taken away with its Node object; after ${seconds(step.durationMicros)} a machine of that name with ${amount(step, 'milliCpu')}m CPU joins`,
}

/** Another fault may have started the old machine meanwhile. */
function bootAnew({ kernel }: Cluster, node: string): void {
  kernel.crashHost(node)
  kernel.restartHost(node)
}

/** A smaller machine only where everything still fits. */
function sizes({ nodes, nodeCapacity }: Topology, objects: readonly KubeObject[]): readonly number[] {
  const usual = milliValue(nodeCapacity.cpu)
  const asked = objects.reduce((sum, object) => sum + milliCpuOf(object), 0)
  const half = Math.floor(usual / 2)
  return asked * 2 <= (nodes - 1) * usual + half ? [usual * 2, usual, half] : [usual * 2, usual]
}

function milliCpuOf(object: KubeObject): number {
  if (object.kind === 'Pod') return podRequests((object as Pod).spec).milliCpu
  if (object.kind !== 'Deployment') return 0
  return REPLICAS_MOST * podRequests((object as Deployment).spec.template.spec).milliCpu
}
