/** What goes wrong in and around containers: they die, their probes flap, their hooks overrun, their images cannot be pulled. */
import fc from 'fast-check'
import { type Cluster, namesOf, type Topology } from '../../src/cluster/index.ts'
import type { Fact, Micros } from '../../src/kernel/index.ts'
import type { KubeletFact } from '../../src/kubelet/index.ts'
import type { Container, KubeObject } from '../../src/objects/index.ts'
import type { DrawnFault, FaultKind, FaultStep } from '../../src/trial/registry.ts'
import { PODS_COME_AND_GO } from '../changes.ts'
import { amount, containersOf, oneOf, rounded, text, wrongAmount, wrongName } from '../targets.ts'
import { disturbing, lasting, seconds } from './define.ts'

const node = 'a node; the pod is chosen among those running there'
const index = 'which of its running pods, modulo their number, in name order'

/** What these faults call all nodes at once: what a hook or a pull needs is away for everybody. */
const EVERY_NODE = 'every-node'

function somewhere(topology: Topology) {
  return fc.oneof(fc.constant(EVERY_NODE), oneOf(namesOf(topology).nodes))
}

function wrongPlace(step: FaultStep, topology: Topology): string | undefined {
  return wrongName(step, 'node', [...namesOf(topology).nodes, EVERY_NODE])
}

function placesOf(cluster: Cluster, step: FaultStep): readonly string[] {
  const place = text(step, 'node')
  return place === EVERY_NODE ? namesOf(cluster.topology).nodes : [place]
}

function placeName(step: FaultStep): string {
  const place = text(step, 'node')
  return place === EVERY_NODE ? 'every node' : place
}

function victim(
  cluster: Cluster,
  nodeName: string,
  number: number,
  isFit: (podKey: string) => boolean = () => true,
): string | undefined {
  const pods = cluster.podsRunningOn(nodeName).filter(isFit)
  return pods[number % Math.max(1, pods.length)]
}

/** Counts facts of a type about the node from now on; `stop` ends it. */
function counting(cluster: Cluster, type: string, nodeNames: readonly string[], counts: (fact: Fact) => boolean) {
  const counter = { count: 0, stop: () => {} }
  counter.stop = cluster.kernel.subscribe(type, (fact) => {
    const { node: place = '' } = fact as Fact & { readonly node?: string }
    if (nodeNames.includes(place) && counts(fact)) counter.count++
  })
  return counter
}

function firstContainer(cluster: Cluster, podKey: string): string {
  return cluster.truth.get('pods', podKey)?.spec.containers[0]?.name ?? ''
}

export const containerCrash: FaultKind = {
  id: 'container-crash',
  title: 'a container of a running pod exits with an error',
  parameters: { node, index, exitCode: 'its exit code' },
  arbitrary: (topology) =>
    fc.record({
      durationMicros: fc.constant(0),
      parameters: fc.record({
        node: oneOf(namesOf(topology).nodes),
        index: fc.nat({ max: 9 }),
        exitCode: fc.constantFrom(1, 137, 139),
      }),
    }),
  validate: (step, topology) =>
    wrongName(step, 'node', namesOf(topology).nodes) ??
    wrongAmount(step, 'index', 0, 1000) ??
    wrongAmount(step, 'exitCode', 1, 255),
  inject(cluster, step) {
    const pod = victim(cluster, text(step, 'node'), amount(step, 'index'))
    let killed = 0
    if (pod !== undefined) {
      cluster.onRuntime(text(step, 'node'), (runtime, out) => {
        if (runtime.crashContainer(pod, firstContainer(cluster, pod), amount(step, 'exitCode'), out)) killed = 1
      })
    }
    return { heal() {}, evidence: () => [{ what: 'containers killed', count: killed }] }
  },
  describe: (step) => `a container on ${text(step, 'node')} exits with code ${amount(step, 'exitCode')}`,
}

const PROBES = ['readiness', 'liveness'] as const
type ProbeName = (typeof PROBES)[number]

function hasProbe(container: Container | undefined, probe: ProbeName): boolean {
  return (probe === 'liveness' ? container?.livenessProbe : container?.readinessProbe) !== undefined
}

function probesAmong(objects: readonly KubeObject[]): readonly ProbeName[] {
  const containers = containersOf(objects)
  return PROBES.filter((probe) => containers.some((container) => hasProbe(container, probe)))
}

export const probeFlap: FaultKind = {
  id: 'probe-flap',
  title: 'the probes of a running pod fail although its program is well',
  parameters: { node, index: `${index}, of those that have such a probe`, probe: 'readiness or liveness' },
  canBite: (objects) => probesAmong(objects).length > 0,
  arbitrary: (topology, objects) =>
    fc.record({
      durationMicros: rounded(4_000_000, 24_000_000, 500_000),
      parameters: fc.record({
        node: oneOf(namesOf(topology).nodes),
        index: fc.nat({ max: 9 }),
        probe: fc.constantFrom(...probesAmong(objects)),
      }),
    }),
  validate: (step, topology) =>
    wrongName(step, 'node', namesOf(topology).nodes) ??
    wrongAmount(step, 'index', 0, 1000) ??
    wrongName(step, 'probe', PROBES),
  inject(cluster, step) {
    const probe = text(step, 'probe') as ProbeName
    const place = text(step, 'node')
    const pod = victim(cluster, place, amount(step, 'index'), (key) => {
      const found = cluster.truth.get('pods', key)
      // Nobody asks a leaving pod whether it lives.
      if (probe === 'liveness' && found?.metadata.deletionTimestamp !== undefined) return false
      return hasProbe(found?.spec.containers[0], probe)
    })
    const container = pod === undefined ? '' : firstContainer(cluster, pod)
    const force = (result: 'failure' | undefined) => {
      if (pod !== undefined)
        cluster.onRuntime(place, (runtime) => runtime.setProbeResult(pod, container, probe, result))
    }
    const failed = counting(cluster, 'probe-result', [place], (fact) => {
      const result = fact as Extract<KubeletFact, { type: 'probe-result' }>
      return result.podKey === pod && result.kind === probe && result.result === 'failure'
    })
    force('failure')
    return {
      heal() {
        force(undefined)
        failed.stop()
      },
      evidence: () => [{ what: 'probes failed', count: failed.count }],
    }
  },
  describe: (step) => `the ${text(step, 'probe')} probe of a pod on ${text(step, 'node')} fails ${lasting(step)}`,
}

export const slowPreStop: FaultKind = {
  id: 'slow-prestop',
  title: 'preStop hooks on a node take longer than they should and may overrun the grace period',
  parameters: { node: 'the node, or every-node', extraMicros: 'added to every preStop hook, microseconds' },
  bitesDuring: PODS_COME_AND_GO,
  canBite: (objects) => containersOf(objects).some((container) => container.lifecycle?.preStop !== undefined),
  arbitrary: (topology) =>
    fc.record({
      durationMicros: rounded(10_000_000, 50_000_000, 500_000),
      parameters: fc.record({
        node: somewhere(topology),
        extraMicros: rounded(1_000_000, 40_000_000, 500_000),
      }),
    }),
  validate: (step, topology) => wrongPlace(step, topology) ?? wrongAmount(step, 'extraMicros', 1, 3_600_000_000),
  inject(cluster, step) {
    const places = placesOf(cluster, step)
    const pods = places.map((place) => cluster.podsRunningOn(place))
    const slow = (extraMicros: number) => {
      places.forEach((place, index) => {
        cluster.onRuntime(place, (runtime) => {
          for (const pod of pods[index]!) runtime.slowHook(pod, extraMicros)
        })
      })
    }
    const slowed = counting(cluster, 'prestop-started', places, () => true)
    slow(amount(step, 'extraMicros'))
    return {
      heal() {
        slow(0)
        slowed.stop()
      },
      evidence: () => [{ what: 'hooks slowed down', count: slowed.count }],
    }
  },
  describe: (step) =>
    `preStop hooks on ${placeName(step)} take ${seconds(amount(step, 'extraMicros'))} longer ${lasting(step)}`,
}

export const imagePullFailure: FaultKind = {
  id: 'image-pull-failure',
  title: 'a node, or every node, cannot pull images',
  parameters: { node: 'the node, or every-node' },
  bitesDuring: ['set-image'],
  arbitrary: (topology) =>
    fc.record({
      durationMicros: rounded(2_000_000, 20_000_000, 500_000),
      parameters: fc.record({ node: somewhere(topology) }),
    }),
  validate: (step, topology) => wrongPlace(step, topology),
  inject(cluster, step) {
    const places = placesOf(cluster, step)
    const failed = counting(cluster, 'image-pull-failed', places, () => true)
    const fail = (on: boolean) => {
      for (const place of places) cluster.onRuntime(place, (runtime) => runtime.failPulls('', on))
    }
    fail(true)
    return {
      heal() {
        fail(false)
        failed.stop()
      },
      evidence: () => [{ what: 'pulls failed', count: failed.count }],
    }
  },
  describe: (step) => `${placeName(step)} cannot pull images ${lasting(step)}`,
}

/** Faults after which dead containers lie about. */
const ENDS_CONTAINERS: readonly string[] = ['container-crash', 'probe-flap', 'crash-node']

function justAfter({ atMicros, durationMicros }: DrawnFault): Micros {
  return atMicros + durationMicros + 1_000_000
}

export const containerPrune: FaultKind = {
  id: 'container-prune',
  title: 'somebody removes every exited container of a node by hand, behind the back of its kubelet',
  parameters: { node: 'the node' },
  occasions: ({ faults }) => faults.filter(({ kind }) => ENDS_CONTAINERS.includes(kind)).map(justAfter),
  arbitrary: (topology) =>
    fc.record({
      durationMicros: fc.constant(0),
      parameters: fc.record({ node: oneOf(namesOf(topology).nodes) }),
    }),
  validate: (step, topology) => wrongName(step, 'node', namesOf(topology).nodes),
  inject(cluster, step) {
    let removed = 0
    cluster.onRuntime(text(step, 'node'), (runtime, out) => {
      removed = runtime.collectExited(out)
    })
    return { heal() {}, evidence: () => [{ what: 'exited containers removed', count: removed }] }
  },
  describe: (step) => `every exited container on ${text(step, 'node')} is removed by hand`,
}

export const failedRestore: FaultKind = {
  id: 'failed-restore',
  title: 'iptables-restore fails on a node for the next syncs of kube-proxy',
  parameters: { node: 'the node', count: 'how many syncs fail' },
  bitesDuring: PODS_COME_AND_GO,
  canBite: (objects) => objects.some(({ kind }) => kind === 'Service'),
  arbitrary: (topology) =>
    fc.record({
      durationMicros: rounded(2_000_000, 20_000_000, 500_000),
      parameters: fc.record({ node: oneOf(namesOf(topology).nodes), count: fc.integer({ min: 1, max: 3 }) }),
    }),
  validate: (step, topology) => wrongName(step, 'node', namesOf(topology).nodes) ?? wrongAmount(step, 'count', 1, 1000),
  inject(cluster, step) {
    const place = text(step, 'node')
    const network = cluster.networkOf(place)
    const before = network.failedRestores
    network.failRestores(amount(step, 'count'))
    return disturbing(cluster, [cluster.process(`kube-proxy-${place.slice('node-'.length)}`)], {
      heal: () => network.failRestores(0),
      evidence: () => [{ what: 'restores failed', count: network.failedRestores - before }],
    })
  },
  describe: (step) => `iptables-restore fails ${amount(step, 'count')} times on ${text(step, 'node')}`,
}
