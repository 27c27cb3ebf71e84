/**
 * Watches that go wrong for one process only, while all its requests are answered: one that stands still, and a process so
 * short of time that its handlers fall behind and its watches are lost (Sun et al., "Automatic Reliability Testing for Cluster
 * Management Controllers", OSDI 2022: stale states, unobserved states).
 */
import fc, { type Arbitrary } from 'fast-check'
import type { Cluster, Topology, WorkloadStep } from '../../src/cluster/index.ts'
import type { Micros } from '../../src/kernel/index.ts'
import type { KubeObject, Resource } from '../../src/objects/index.ts'
import type { FaultKind, FaultStep, Surroundings } from '../../src/trial/registry.ts'
import { PODS_COME_AND_GO, probablyChanges } from '../changes.ts'
import { amount, processNames, rounded, text, wrongAmount, wrongName } from '../targets.ts'
import { disturbing, lasting, onceAwake, seconds } from './define.ts'
import { hold } from './hold.ts'
import { holdLag } from './slow-consumer.ts'

/** What each kind of process watches and these faults strike. */
const WATCHED: Readonly<Record<string, readonly Resource[]>> = {
  'controller-manager': ['pods', 'nodes', 'replicasets', 'deployments', 'services', 'endpointslices', 'leases'],
  scheduler: ['pods', 'nodes'],
  'kube-proxy': ['services', 'endpointslices'],
  kubelet: ['pods'],
}

function watchedBy(process: string): readonly Resource[] {
  return WATCHED[process.slice(0, process.lastIndexOf('-'))] ?? []
}

function watching(topology: Topology): readonly string[] {
  return processNames(topology).filter((name) => watchedBy(name).length > 0)
}

function watchArbitrary(
  topology: Topology,
  objects: readonly KubeObject[],
  { workload }: Surroundings,
): Arbitrary<{ process: string; resource: Resource }> {
  const all = watching(topology).flatMap((process) => watchedBy(process).map((resource) => ({ process, resource })))
  const shown = all.filter(({ resource }) => probablyChanges(resource, objects, workload))
  return fc.constantFrom(...(shown.length > 0 ? shown : all))
}

function wrongProcess(step: FaultStep, topology: Topology): string | undefined {
  return wrongName(step, 'process', watching(topology))
}

/** When such objects are made anew: a process that is not shown them may make them twice, or not see them go. */
const MADE_DURING: Partial<Record<Resource, readonly WorkloadStep['kind'][]>> = {
  pods: PODS_COME_AND_GO,
  deployments: PODS_COME_AND_GO,
  replicasets: ['set-image', 'restart-rollout', 'rollback'],
  endpointslices: ['apply'],
  services: ['apply'],
  nodes: ['cordon', 'uncordon', 'drain'],
}

/** Just before objects of the resource are made anew, if that happens; else before any step. */
function beforeTheyAreMade({ workload }: Surroundings, own?: Pick<FaultStep, 'parameters'>): readonly Micros[] {
  const during = MADE_DURING[own?.parameters.resource as Resource] ?? []
  const steps = workload.filter(({ kind }) => during.includes(kind))
  return (steps.length > 0 ? steps : workload).map(({ atMicros }) => atMicros)
}

export const stalledWatch: FaultKind = {
  id: 'stalled-watch',
  title: 'lets nothing through one watch of a process for a while; it comes late, and requests are answered meanwhile',
  parameters: { process: 'a process with informers', resource: 'what the watch is about' },
  occasions: beforeTheyAreMade,
  arbitrary: (topology, objects, around) =>
    fc.record({
      durationMicros: rounded(3_000_000, 45_000_000, 500_000),
      parameters: watchArbitrary(topology, objects, around),
    }),
  validate: (step, topology) =>
    wrongProcess(step, topology) ?? wrongName(step, 'resource', watchedBy(text(step, 'process'))),
  inject(cluster, step) {
    const name = text(step, 'process')
    const process = cluster.process(name)
    const set = (fate: 'held' | 'well') => cluster.setWatchFate(name, text(step, 'resource') as Resource, fate)
    let before: number | undefined
    let late = 0
    const letGo = hold(
      cluster,
      `watch of ${name} on ${text(step, 'resource')}`,
      () => {
        const soFar = set('held')
        before ??= soFar
      },
      () => set('well'),
    )
    return disturbing(cluster, [process], {
      heal() {
        onceAwake(cluster, process, () => {
          late = Math.max(0, set('held') - (before ?? 0))
          letGo()
        })
      },
      evidence: () => [{ what: 'events that came late', count: late }],
    })
  },
  describe: (step) => `${text(step, 'process')} is shown no change of ${text(step, 'resource')} ${lasting(step)}`,
}

/** After this share of its time the server loses patience with the slow reader. */
const PATIENCE_PERCENT = 40

export const starvedProcess: FaultKind = {
  id: 'starved-process',
  title: 'gives a process too little time: its handlers fall behind, its watches are lost, and it has to list anew',
  parameters: { process: 'a process with informers', lagMicros: 'how long a delta waits, microseconds' },
  bitesDuring: PODS_COME_AND_GO,
  arbitrary: (topology) =>
    fc.record({
      durationMicros: rounded(4_000_000, 30_000_000, 500_000),
      parameters: fc.record({
        process: fc.constantFrom(...watching(topology)),
        lagMicros: rounded(500_000, 15_000_000, 500_000),
      }),
    }),
  validate: (step, topology) => wrongProcess(step, topology) ?? wrongAmount(step, 'lagMicros', 1, 600_000_000),
  inject(cluster, step) {
    const name = text(step, 'process')
    const process = cluster.process(name)
    let healed = false
    let cut = 0
    const keepUp = holdLag(cluster, name, amount(step, 'lagMicros'))
    cluster.later(Math.floor((step.durationMicros * PATIENCE_PERCENT) / 100), () => {
      if (!healed) cut = cutWatches(cluster, name)
    })
    return disturbing(cluster, [process], {
      heal() {
        healed = true
        keepUp()
        onceAwake(cluster, process, () => cluster.setWatchFate(name, 'all', 'well'))
      },
      evidence: () => [{ what: 'watches lost', count: cut }],
    })
  },
  describe: (step) =>
    `${text(step, 'process')} sees every change ${seconds(amount(step, 'lagMicros'))} late, loses its watches, and lists anew, ${lasting(step)}`,
}

/** Cuts every watch of the process. Answers how many there were. */
export function cutWatches(cluster: Cluster, process: string): number {
  const before = cluster.setWatchFate(process, 'all', 'well')
  return cluster.setWatchFate(process, 'all', 'cut') - before
}
