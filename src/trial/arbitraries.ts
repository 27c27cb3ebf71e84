/**
 * Pieces that scenarios are drawn from: topologies, workload steps, traffic (faults: `fault-arbitraries.ts`). Swarm style (Groce
 * et al., "Swarm testing", 2012): each scenario first decides which kinds may occur at all, so some runs have one kind only and
 * get far with it. Shrinking is not done here (`scenario-arbitrary.ts`), so nothing below keeps a shrink context.
 */
import fc, { type Arbitrary } from 'fast-check'
import { namesOf, SMALL_TOPOLOGY, type Topology } from '../cluster/topology.ts'
import type { TrafficClient, WorkloadStep } from '../cluster/workload.ts'
import type { Micros } from '../kernel/time.ts'
import { MILLISECOND, SECOND } from '../kernel/time.ts'
import type { Deployment, KubeObject, Service } from '../objects/index.ts'

export interface Window {
  readonly fromMicros: Micros
  readonly toMicros: Micros
}

/** An integer drawn evenly, both ends included; fast-check's preference for the ends is off. */
export function even(min: number, max: number): Arbitrary<number> {
  return fc.noBias(fc.integer({ min, max }))
}

/** Small clusters around the usual one: 1 or 3 etcd members, 1 or 2 API servers, `nodes` nodes. */
export function topologyArbitrary(
  options: { readonly nodes?: readonly [least: number, most: number] } = {},
): Arbitrary<Topology> {
  const [least, most] = options.nodes ?? [2, 4]
  return fc
    .tuple(
      fc.constantFrom(1, 3, 3, 3),
      fc.constantFrom(1, 2, 2),
      even(1, 2),
      even(1, 2),
      even(least, most),
      fc.constantFrom('iptables' as const, 'ipvs' as const),
    )
    .map(([etcdMembers, apiServers, controllerManagers, schedulers, nodes, proxyMode]) => ({
      ...SMALL_TOPOLOGY,
      etcdMembers,
      apiServers,
      controllerManagers,
      schedulers,
      nodes,
      proxyMode,
      zones: Math.min(3, nodes),
    }))
}

/** Which of `count` kinds are switched on: each with one chance in two, at least one. */
export function swarm(count: number): Arbitrary<readonly number[]> {
  return fc
    .tuple(fc.array(fc.boolean(), { minLength: count, maxLength: count }), even(0, count - 1))
    .map(([mask, always]) => mask.flatMap((on, index) => (on || index === always ? [index] : [])))
}

export interface WorkloadOptions extends Window {
  readonly objects: readonly KubeObject[]
  readonly kinds?: readonly DrawnStepKind[]
  readonly least?: number
  readonly most?: number
}

export const DRAWN_STEP_KINDS = [
  'scale',
  'set-image',
  'restart-rollout',
  'rollback',
  'pause-rollout',
  'resume-rollout',
  'delete-pod',
  'cordon',
  'uncordon',
  'drain',
] as const
/** Those of every day, and some that a suite must ask for by name. */
export type DrawnStepKind =
  | (typeof DRAWN_STEP_KINDS)[number]
  /** Gives a ConfigMap a finalizer, or takes it away. */
  | 'hold-configmap'
  | 'delete-configmap'
  | 'delete-service'
  /** kubectl apply of a Service as the scenario has it: makes it again after a deletion. */
  | 'apply-service'
  /** Of a spare member, as a learner or not. */
  | 'etcd-member-add'
  | 'etcd-member-promote'
  | 'etcd-member-remove'
  | 'etcd-move-leader'
  | 'etcd-defragment'
  | 'etcd-compact'

/** What a kind of step is done to; nodes are drawn apart. */
const TARGETS: Readonly<Record<DrawnStepKind, 'Deployment' | 'ConfigMap' | 'Service' | 'Node' | 'Member'>> = {
  scale: 'Deployment',
  'set-image': 'Deployment',
  'restart-rollout': 'Deployment',
  rollback: 'Deployment',
  'pause-rollout': 'Deployment',
  'resume-rollout': 'Deployment',
  'delete-pod': 'Deployment',
  cordon: 'Node',
  uncordon: 'Node',
  drain: 'Node',
  'hold-configmap': 'ConfigMap',
  'delete-configmap': 'ConfigMap',
  'delete-service': 'Service',
  'apply-service': 'Service',
  'etcd-member-add': 'Member',
  'etcd-member-promote': 'Member',
  'etcd-member-remove': 'Member',
  'etcd-move-leader': 'Member',
  'etcd-defragment': 'Member',
  'etcd-compact': 'Member',
}

/** What people do to the deployments among `objects` and to the nodes, in order of time, ids w1, w2, … */
export function workloadArbitrary(topology: Topology, options: WorkloadOptions): Arbitrary<readonly WorkloadStep[]> {
  const targetsOf = (kind: DrawnStepKind) => options.objects.filter((object) => object.kind === TARGETS[kind])
  const kinds = (options.kinds ?? DRAWN_STEP_KINDS).filter(
    (kind) => TARGETS[kind] === 'Node' || TARGETS[kind] === 'Member' || targetsOf(kind).length > 0,
  )
  if (kinds.length === 0) return fc.constant([])
  const one = (kind: DrawnStepKind) =>
    fc
      .tuple(
        even(options.fromMicros, options.toMicros),
        even(0, Math.max(0, targetsOf(kind).length - 1)),
        fc.constantFrom(...namesOf(topology).nodes),
        even(0, 5),
        fc.boolean(),
      )
      .map(([atMicros, which, node, number, forced]) =>
        isEtcdKind(kind)
          ? drawEtcdStep(kind, atMicros, topology, number, forced)
          : drawStep(kind, atMicros, targetsOf(kind)[which], node, number, forced),
      )
  return swarm(kinds.length)
    .chain((allowed) =>
      fc.array(
        fc.constantFrom(...allowed).chain((index) => one(kinds[index]!)),
        { minLength: options.least ?? 0, maxLength: options.most ?? 4, size: 'max' },
      ),
    )
    .map(inOrder)
    .chain((steps) =>
      steps.some(({ kind }) => kind === 'etcd-member-promote')
        ? even(1, ANY_ORDER_ONE_IN).map((turn) => (turn === 1 ? steps : withLearners(steps)))
        : fc.constant(steps),
    )
    .map((steps) => steps.map((step, index) => ({ ...step, id: `w${index + 1}` })))
}

/** Out of so many scenarios in which members are promoted, one leaves it to chance whether they are learners by then. */
const ANY_ORDER_ONE_IN = 24

/** Whoever is promoted has joined as a learner before: who would be without having joined joins instead, and is promoted the next time. */
function withLearners(steps: readonly WorkloadStep[]): readonly WorkloadStep[] {
  const joined = new Set<string>()
  return steps.map((step, index): WorkloadStep => {
    if (step.kind !== 'etcd-member-add' && step.kind !== 'etcd-member-promote') return step
    if (joined.has(step.member)) return step
    joined.add(step.member)
    const isPromoted = steps
      .slice(index)
      .some((later) => later.kind === 'etcd-member-promote' && later.member === step.member)
    return isPromoted ? { ...step, kind: 'etcd-member-add', learner: true } : step
  })
}

type DrawnEtcdStepKind = Extract<DrawnStepKind, `etcd-${string}`>

function isEtcdKind(kind: DrawnStepKind): kind is DrawnEtcdStepKind {
  return TARGETS[kind] === 'Member'
}

/** Spare members join and are promoted, if there are any; the others may be any member. */
function drawEtcdStep(
  kind: DrawnEtcdStepKind,
  atMicros: Micros,
  topology: Topology,
  number: number,
  learner: boolean,
): WorkloadStep {
  const { etcdMembers, spareEtcdMembers } = namesOf(topology)
  const all = [...etcdMembers, ...spareEtcdMembers]
  const joining = spareEtcdMembers.length > 0 ? spareEtcdMembers : all
  const base = { id: '', atMicros }
  switch (kind) {
    case 'etcd-member-add':
      return { ...base, kind, member: joining[number % joining.length]!, learner }
    case 'etcd-member-promote':
      return { ...base, kind, member: joining[number % joining.length]! }
    case 'etcd-member-remove':
    case 'etcd-move-leader':
    case 'etcd-defragment':
      return { ...base, kind, member: all[number % all.length]! }
    case 'etcd-compact':
      return { ...base, kind }
  }
}

function drawStep(
  kind: Exclude<DrawnStepKind, DrawnEtcdStepKind>,
  atMicros: Micros,
  target: KubeObject | undefined,
  node: string,
  number: number,
  forced: boolean,
): WorkloadStep {
  const base = { id: '', atMicros }
  const { name = '', namespace = 'default' } = target?.metadata ?? {}
  const on = { namespace, deployment: name }
  switch (kind) {
    case 'scale':
      return { ...base, kind, ...on, replicas: number }
    case 'set-image': {
      const image = (target as Deployment | undefined)?.spec.template.spec.containers[0]?.image ?? 'app'
      return { ...base, kind, ...on, image: `${withoutTag(image)}:v${number + 2}` }
    }
    case 'restart-rollout':
      return { ...base, kind, ...on, token: `restart-${number}` }
    case 'delete-pod':
      return { ...base, kind, ...on, index: number, ...(forced ? { gracePeriodSeconds: 0 } : {}) }
    case 'pause-rollout':
    case 'resume-rollout':
    case 'rollback':
      return { ...base, kind, ...on }
    case 'cordon':
    case 'uncordon':
    case 'drain':
      return { ...base, kind, node }
    case 'hold-configmap': {
      const patch = { metadata: { finalizers: forced ? ['example.com/hold'] : null } }
      return { ...base, kind: 'patch', resource: 'configmaps', namespace, name, patch }
    }
    case 'delete-configmap':
      return { ...base, kind: 'delete', resource: 'configmaps', namespace, name }
    case 'delete-service':
      return { ...base, kind: 'delete', resource: 'services', namespace, name }
    case 'apply-service':
      return { ...base, kind: 'apply', object: target as KubeObject }
  }
}

/** `registry:5000/web:v1` without its tag. */
function withoutTag(image: string): string {
  const colon = image.lastIndexOf(':')
  return colon > image.lastIndexOf('/') ? image.slice(0, colon) : image
}

export interface TrafficOptions {
  readonly objects: readonly KubeObject[]
  /** When clients begin. Default: 20 s after the cluster was switched on. */
  readonly startMicros?: Micros
  /** Time between two requests of a client. Default: 250 ms. */
  readonly everyMicros?: Micros
  /** So few source ports for some of the clients. Default: nobody is short of them. */
  readonly sourcePorts?: number
}

/** One client for every port of every service that has an address, each from a drawn place, ids c1, c2, … */
export function trafficArbitrary(topology: Topology, options: TrafficOptions): Arbitrary<readonly TrafficClient[]> {
  const { nodes } = namesOf(topology)
  const targets = options.objects
    .filter((object): object is Service => object.kind === 'Service')
    .filter((service) => service.spec.type !== 'ExternalName' && service.spec.selector !== undefined)
    .flatMap((service) =>
      (service.spec.ports ?? []).filter((port) => port.protocol !== 'SCTP').map((port) => ({ service, port })),
    )
  const clients = targets.map(({ service, port }, index) => {
    const places = service.spec.type === 'NodePort' ? (['pod', 'node', 'outside'] as const) : (['pod', 'node'] as const)
    const scarce = options.sourcePorts === undefined ? fc.constant(false) : fc.boolean()
    return fc.tuple(fc.constantFrom(...nodes), fc.constantFrom(...places), fc.boolean(), scarce).map(
      ([node, from, keepAlive, isScarce]): TrafficClient => ({
        id: `c${index + 1}`,
        from,
        node,
        keepAlive,
        namespace: service.metadata.namespace ?? 'default',
        service: service.metadata.name,
        port: port.port,
        protocol: port.protocol === 'UDP' ? 'UDP' : 'TCP',
        everyMicros: options.everyMicros ?? 250 * MILLISECOND,
        startMicros: options.startMicros ?? 20 * SECOND,
        timeoutMicros: 2 * SECOND,
        ...(isScarce ? { sourcePorts: options.sourcePorts } : {}),
      }),
    )
  })
  return fc.tuple(...clients)
}

export function inOrder<T extends { readonly atMicros: Micros }>(items: readonly T[]): T[] {
  return items.toSorted((a, b) => a.atMicros - b.atMicros)
}
