/**
 * A cluster in which a user's manifests have room, even with one node less and a rollout under way: what they ask of nodes is
 * taken as given. Whether the real cluster has that room is not for a simulation to say.
 */
import { completeTopology, SMALL_TOPOLOGY, type Topology } from '../../cluster/index.ts'
import {
  type Deployment,
  type KubeObject,
  milliValue,
  type Pod,
  type PodSpec,
  podRequests,
  scaledCount,
  wholeValue,
} from '../../objects/index.ts'

const NODES_MAXIMUM = 12
const GIBIBYTE = 1024 ** 3
const HOSTNAME = 'kubernetes.io/hostname'
/** Every node has these of its own, with values like that. `Exists` asks for any. */
const OWN_LABELS: Readonly<Record<string, RegExp>> = {
  [HOSTNAME]: /^$|^node-\d+$/,
  'kubernetes.io/os': /^$|^linux$/,
  'kubernetes.io/arch': /^$|^amd64$/,
  'topology.kubernetes.io/zone': /^$|^zone-[0-2]$/,
}

interface Wanted {
  readonly spec: PodSpec
  /** Pods at the height of a rollout. */
  readonly pods: number
}

/** The small cluster, with more or larger nodes where the manifests need them, and the labels that they select nodes by. */
export function topologyFor(objects: readonly KubeObject[]): Topology {
  const wanted = objects.flatMap(wantedBy)
  const apart = wanted.filter(({ spec }) => mustBeApart(spec)).map(({ pods }) => pods)
  const nodes = Math.min(NODES_MAXIMUM, Math.max(SMALL_TOPOLOGY.nodes, ...apart.map((pods) => pods + 1)))
  const { nodeCapacity } = SMALL_TOPOLOGY
  // Everything on the nodes that are left, and half as much again for what bins do not fill.
  const share = 1.5 / (nodes - 1)
  let milliCpu = milliValue(nodeCapacity.cpu)
  let bytes = wholeValue(nodeCapacity.memory)
  const totals = { milliCpu: 0, bytes: 0 }
  for (const { spec, pods } of wanted) {
    const requests = podRequests(spec)
    totals.milliCpu += requests.milliCpu * pods
    totals.bytes += requests.memoryBytes * pods
    milliCpu = Math.max(milliCpu, requests.milliCpu * 2)
    bytes = Math.max(bytes, requests.memoryBytes * 2)
  }
  milliCpu = Math.max(milliCpu, totals.milliCpu * share)
  bytes = Math.max(bytes, totals.bytes * share)
  return completeTopology({
    nodes,
    nodeCapacity: {
      ...nodeCapacity,
      cpu: String(Math.ceil(milliCpu / 1_000)),
      memory: `${Math.ceil(bytes / GIBIBYTE)}Gi`,
    },
    nodeLabels: Object.assign({}, ...wanted.map(({ spec }) => labelsWanted(spec))),
  })
}

function wantedBy(object: KubeObject): Wanted[] {
  if (object.kind === 'Pod') return [{ spec: (object as Pod).spec, pods: 1 }]
  if (object.kind !== 'Deployment' && object.kind !== 'ReplicaSet') return []
  const { replicas = 1, strategy, template } = (object as Deployment).spec
  const surge =
    object.kind === 'Deployment' ? scaledCount(strategy?.rollingUpdate?.maxSurge ?? '25%', replicas, 'up') : 0
  return [{ spec: template.spec, pods: replicas + surge }]
}

function mustBeApart({ affinity }: PodSpec): boolean {
  const terms = affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []
  return terms.some(({ topologyKey }) => topologyKey === HOSTNAME)
}

function labelsWanted(spec: PodSpec): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(allLabels(spec)).filter(([key]) => OWN_LABELS[key] === undefined))
}

/** What the pod asks of a node's own labels that no simulated node has, such as `kubernetes.io/arch=arm64`. */
export function labelsNobodyHas(spec: PodSpec): readonly string[] {
  return Object.entries(allLabels(spec))
    .filter(([key, value]) => OWN_LABELS[key]?.test(value) === false)
    .map(([key, value]) => `${key}=${value}`)
}

/** Labels by which the pod selects its nodes. Of alternatives the first. */
function allLabels({ nodeSelector, affinity }: PodSpec): Record<string, string> {
  const labels: Record<string, string> = { ...nodeSelector }
  const [term] = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
  for (const { key, operator, values } of term?.matchExpressions ?? []) {
    const first = operator === 'Exists' ? '' : operator === 'In' ? values?.[0] : undefined
    if (first !== undefined) labels[key] ??= first
  }
  return labels
}
