/**
 * A component that is struck between two of its writes, at the moment at which the API server has taken one: it dies, and what
 * it meant to do next has to be done by whoever leads after it, from what is stored alone; or it goes deaf and does not learn
 * what came of it; or it is blind for a while, and learns it from a list that does not show what came and went (Sun et al., "Automatic Reliability Testing for Cluster Management Controllers", OSDI 2022: intermediate
 * states, unobserved states).
 */
import fc, { type Arbitrary } from 'fast-check'
import { type Cluster, namesOf } from '../../src/cluster/index.ts'
import type { Micros, ProcessId, RuleHandle } from '../../src/kernel/index.ts'
import type { KubeObject } from '../../src/objects/index.ts'
import type { DrawnFault, FaultKind, FaultStep, Surroundings } from '../../src/trial/registry.ts'
import { changesOf, probablyChanges } from '../changes.ts'
import { amount, othersThan, rounded, text, wrongAmount, wrongName } from '../targets.ts'
import { disturbing, lasting, onceAwake, onNthWrite, seconds } from './define.ts'
import { cutWatches } from './watches.ts'

const COMPONENTS = ['kube-controller-manager', 'kube-scheduler'] as const
const RESOURCES = ['nodes', 'pods', 'replicasets', 'deployments', 'endpointslices'] as const

const WRITE = {
  component: 'kube-controller-manager or kube-scheduler',
  resource: 'what is written',
  nth: 'which write from the beginning of the fault on, from 1',
}

type Written = (typeof RESOURCES)[number]

/** Of the writes that a fault may wait for. */
const MOST_NTH = 3

/** A node is called unreachable when its lease is so old (node-monitor-grace-period). */
const GRACE_MICROS: Micros = 40_000_000
/** Such a node is told from others by what it was struck with. */
const SILENCING: readonly string[] = ['lost-contact', 'crash-node']

/** When the controller manager will write of nodes that this fault silences. */
function silenced({ kind, atMicros, durationMicros }: DrawnFault): readonly Micros[] {
  return SILENCING.includes(kind) && durationMicros > GRACE_MICROS ? [atMicros + GRACE_MICROS] : []
}

type Component = (typeof COMPONENTS)[number]

/** A controller manager writes them all in their time; a scheduler writes pods only. */
const WRITERS = COMPONENTS.flatMap((component) =>
  RESOURCES.filter((resource) => component === 'kube-controller-manager' || resource === 'pods').map(
    (resource): [Component, Written] => [component, resource],
  ),
)

/**
 * When the writes of a resource will come, as far as one can say: one for each change. Those at which the component is killed
 * already are left out: nobody is there to be struck a second time.
 */
function writesOf(component: Component, resource: Written, { workload, faults }: Surroundings): readonly Micros[] {
  const changes = changesOf(resource, workload)
  const writes = resource === 'nodes' ? [...changes, ...faults.flatMap(silenced)] : changes
  const killing = faults.filter(
    ({ kind, parameters }) =>
      kind === 'crash-after-write' && parameters.component === component && parameters.resource === resource,
  )
  const taken = killing.reduce((sum, { parameters }) => sum + Number(parameters.nth), 0)
  return writes.toSorted((left, right) => left - right).slice(taken)
}

/** Who writes what, of what there will be writes; all that there can be if there are none. */
function writersOf(around: Surroundings, objects: readonly KubeObject[]): readonly [Component, Written][] {
  const will = WRITERS.filter(
    ([component, resource]) =>
      writesOf(component, resource, around).length > 0 &&
      (resource === 'nodes' || probablyChanges(resource, objects, around.workload)),
  )
  return will.length > 0 ? will : WRITERS
}

/** A write that will probably come, by a component that is drawn first; now and then one that will hardly come. */
function writeArbitrary(objects: readonly KubeObject[], around: Surroundings) {
  const writers = writersOf(around, objects)
  const byComponent = COMPONENTS.map((component) => writers.filter(([by]) => by === component))
  return fc
    .oneof(...byComponent.filter((list) => list.length > 0).map((list) => fc.constantFrom(...list)))
    .chain(([component, resource]) =>
      fc.record({
        component: fc.constant(component),
        resource: fc.constant(resource),
        nth: nthOf(writesOf(component, resource, around).length),
      }),
    )
}

function nthOf(writes: number): Arbitrary<number> {
  const upTo = (max: number) => fc.integer({ min: 1, max })
  return fc.oneof(
    { weight: 7, arbitrary: upTo(Math.min(MOST_NTH, Math.max(1, writes))) },
    { weight: 1, arbitrary: upTo(MOST_NTH) },
  )
}

/** The moments before which it is to begin: the write that it waits for is still to come. */
function beforeWrites(around: Surroundings, own?: Pick<FaultStep, 'parameters'>): readonly Micros[] {
  if (own === undefined) return WRITERS.flatMap(([component, resource]) => writesOf(component, resource, around))
  const { component, resource, nth } = own.parameters
  const writes = writesOf(component as Component, resource as Written, around)
  return writes.slice(0, Math.max(0, writes.length - Number(nth) + 1))
}

/** A fault that waits some time for its write and then lasts. */
function struckFor(
  parameter: string,
  lasts: Arbitrary<Micros>,
  objects: readonly KubeObject[],
  around: Surroundings,
): ReturnType<FaultKind['arbitrary']> {
  return fc
    .tuple(writeArbitrary(objects, around), lasts, rounded(10_000_000, 40_000_000, 1_000_000))
    .map(([write, micros, waitMicros]) => ({
      durationMicros: micros + waitMicros,
      parameters: { ...write, [parameter]: micros },
    }))
}

function wrongWrite(step: FaultStep): string | undefined {
  return (
    wrongName(step, 'component', COMPONENTS) ??
    wrongName(step, 'resource', RESOURCES) ??
    wrongAmount(step, 'nth', 1, 1000)
  )
}

/** Calls `strike` right after the write was taken, or after the next one if there was nobody to strike. Call the answer to wait no longer. */
function afterWrite(cluster: Cluster, step: FaultStep, strike: () => boolean): () => void {
  const user = `system:${text(step, 'component')}`
  return onNthWrite(cluster, text(step, 'resource'), amount(step, 'nth'), (request) => request.user === user, strike)
}

function replicasOf(cluster: Cluster, step: FaultStep): readonly ProcessId[] {
  const { controllerManagers, schedulers } = namesOf(cluster.topology)
  const names = text(step, 'component') === 'kube-scheduler' ? schedulers : controllerManagers
  return names.map((name) => cluster.process(name))
}

function writeOf(step: FaultStep): string {
  return `write ${amount(step, 'nth')} of ${text(step, 'resource')}`
}

export const crashAfterWrite: FaultKind = {
  id: 'crash-after-write',
  title: 'kills the replicas of an elected component right after one of its writes was taken',
  occasions: beforeWrites,
  parameters: { ...WRITE, downMicros: 'how long they stay down, microseconds' },
  arbitrary: (_topology, objects, around) =>
    fc.record({
      durationMicros: rounded(20_000_000, 90_000_000, 1_000_000),
      parameters: fc
        .tuple(writeArbitrary(objects, around), rounded(0, 5_000_000, 500_000))
        .map(([write, downMicros]) => ({ ...write, downMicros })),
    }),
  validate: (step) => wrongWrite(step) ?? wrongAmount(step, 'downMicros', 0, 600_000_000),
  inject(cluster, step) {
    const { kernel } = cluster
    const processes = replicasOf(cluster, step)
    const killed: ProcessId[] = []
    let healed = false
    const restart = () => {
      for (const process of killed) if (!kernel.isRunning(process)) kernel.restart(process)
    }
    const stop = afterWrite(cluster, step, () => {
      for (const process of processes) {
        if (!kernel.isRunning(process)) continue
        kernel.crash(process)
        killed.push(process)
      }
      cluster.later(amount(step, 'downMicros'), () => {
        if (!healed) restart()
      })
      return killed.length > 0
    })
    return disturbing(cluster, processes, {
      heal() {
        healed = true
        stop()
        restart()
      },
      evidence: () => [{ what: 'processes killed', count: killed.length }],
    })
  },
  describe: (step) =>
    `${text(step, 'component')} is killed after ${writeOf(step)} and starts again after ${seconds(amount(step, 'downMicros'))}, once ${lasting(step)}`,
}

export const deafAfterWrite: FaultKind = {
  id: 'deaf-after-write',
  title: 'lets the replicas of an elected component hear nothing more right after one of its writes was taken',
  occasions: beforeWrites,
  parameters: { ...WRITE, deafMicros: 'for how long, microseconds' },
  arbitrary: (_topology, objects, around) =>
    struckFor('deafMicros', rounded(2_000_000, 20_000_000, 500_000), objects, around),
  validate: (step) => wrongWrite(step) ?? wrongAmount(step, 'deafMicros', 1, 600_000_000),
  inject(cluster, step) {
    const processes = new Set(replicasOf(cluster, step))
    const handles: RuleHandle[] = []
    const hearAgain = () => {
      for (const handle of handles) handle.remove()
    }
    const stop = afterWrite(cluster, step, () => {
      const from = othersThan(cluster, processes)
      const rule = { id: step.id, from, to: processes, verdict: { kind: 'drop' } } as const
      handles.push(cluster.kernel.network.addRule(rule))
      cluster.later(amount(step, 'deafMicros'), hearAgain)
      return true
    })
    return disturbing(cluster, processes, {
      heal() {
        stop()
        hearAgain()
      },
      evidence: () => [
        { what: 'messages dropped', count: handles.reduce((sum, { counters }) => sum + counters.dropped, 0) },
      ],
    })
  },
  describe: (step) =>
    `${text(step, 'component')} hears nothing more after ${writeOf(step)} for ${seconds(amount(step, 'deafMicros'))}, once ${lasting(step)}`,
}

export const blindAfterWrite: FaultKind = {
  id: 'blind-after-write',
  title:
    'takes all watches from the replicas of an elected component right after one of its writes; then they must list',
  occasions: beforeWrites,
  parameters: { ...WRITE, blindMicros: 'for how long, microseconds' },
  arbitrary: (_topology, objects, around) =>
    struckFor(
      'blindMicros',
      fc.oneof(rounded(2_000_000, 15_000_000, 500_000), rounded(30_000_000, 45_000_000, 500_000)),
      objects,
      around,
    ),
  validate: (step) => wrongWrite(step) ?? wrongAmount(step, 'blindMicros', 1, 600_000_000),
  inject(cluster, step) {
    const processes = replicasOf(cluster, step)
    const names = processes.map((process) => cluster.kernel.nameOf(process))
    let healed = false
    let cut = 0
    const seeAgain = () => {
      names.forEach((name, index) => {
        onceAwake(cluster, processes[index]!, () => cluster.setWatchFate(name, 'all', 'well'))
      })
    }
    const stop = afterWrite(cluster, step, () => {
      for (const name of names) cut += cutWatches(cluster, name)
      cluster.later(amount(step, 'blindMicros'), () => {
        if (!healed) seeAgain()
      })
      return true
    })
    return disturbing(cluster, processes, {
      heal() {
        healed = true
        stop()
        if (cut > 0) seeAgain()
      },
      evidence: () => [{ what: 'watches lost', count: cut }],
    })
  },
  describe: (step) =>
    `${text(step, 'component')} has no watches after ${writeOf(step)} for ${seconds(amount(step, 'blindMicros'))} and then lists, once ${lasting(step)}`,
}
