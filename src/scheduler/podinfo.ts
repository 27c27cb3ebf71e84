/**
 * What the scheduler reads of a pod, computed once. Models kubernetes pkg/scheduler/framework types.go (PodInfo, AffinityTerm)
 * and pkg/scheduler/util/pod_resources.go, v1.33. Not modelled: overhead, extended resources, namespace selectors of terms.
 */
import {
  type Affinity,
  keyOf,
  type LabelMatcher,
  matcherOf,
  type NodeSelectorTerm,
  type Pod,
  type PodAffinityTerm,
  podRequests,
  type Toleration,
} from '../objects/index.ts'

/** What a container without a request counts as in scores, so that such pods spread too: 100 millicores, 200 MiB. */
const DEFAULT_MILLI_CPU = 100
const DEFAULT_MEMORY_BYTES = 200 * 1024 * 1024

export interface HostPort {
  /** Protocol and port: `TCP/8080`. */
  readonly port: string
  readonly ip: string
}

/** A required pod (anti-)affinity term, compiled. */
export interface AffinityTerm {
  readonly topologyKey: string
  readonly namespaces: readonly string[]
  readonly matches: LabelMatcher
}

export interface PodInfo {
  /** The uid, or the key where there is none: tells a pod from its successor of the same name. */
  readonly id: string
  readonly key: string
  readonly pod: Pod
  readonly priority: number
  readonly milliCpu: number
  readonly memoryBytes: number
  /** Requests for scoring: never zero. */
  readonly scoredMilliCpu: number
  readonly scoredMemoryBytes: number
  readonly hostPorts: readonly HostPort[]
  readonly tolerations: readonly Toleration[]
  readonly requiredNodeTerms: readonly NodeSelectorTerm[] | undefined
  readonly affinityTerms: readonly AffinityTerm[]
  readonly antiAffinityTerms: readonly AffinityTerm[]
  /** Equal for pods that every filter and score treats alike on every node; undefined for a pod of its own kind. */
  readonly shape: string | undefined
}

const NO_PORTS: readonly HostPort[] = Object.freeze([])
const NO_TERMS: readonly AffinityTerm[] = Object.freeze([])
const NO_TOLERATIONS: readonly Toleration[] = Object.freeze([])

/** The uid, or `namespace/name` where there is none. */
export function podId(pod: Pod): string {
  return pod.metadata.uid ?? keyOf(pod)
}

export function podInfoOf(pod: Pod): PodInfo {
  const { spec } = pod
  const { milliCpu, memoryBytes } = podRequests(spec)
  const containers = spec.containers.length
  const affinity: Affinity | undefined = spec.affinity
  const hostPorts = hostPortsOf(pod)
  const scoredMilliCpu = milliCpu === 0 ? DEFAULT_MILLI_CPU * containers : milliCpu
  const scoredMemoryBytes = memoryBytes === 0 ? DEFAULT_MEMORY_BYTES * containers : memoryBytes
  const plain =
    affinity === undefined && spec.nodeSelector === undefined && spec.nodeName === undefined && hostPorts.length === 0
  return {
    id: podId(pod),
    key: keyOf(pod),
    pod,
    priority: spec.priority ?? 0,
    milliCpu,
    memoryBytes,
    scoredMilliCpu,
    scoredMemoryBytes,
    hostPorts,
    tolerations: spec.tolerations ?? NO_TOLERATIONS,
    requiredNodeTerms: affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms,
    affinityTerms: termsOf(pod, affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    antiAffinityTerms: termsOf(pod, affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    shape: plain
      ? `${milliCpu}/${memoryBytes}/${scoredMilliCpu}/${scoredMemoryBytes}${textOf(spec.tolerations)}`
      : undefined,
  }
}

/** True when the term speaks of this pod. */
export function termMatches(term: AffinityTerm, pod: Pod): boolean {
  return term.namespaces.includes(pod.metadata.namespace ?? '') && term.matches(pod.metadata.labels)
}

/** True when two pods cannot share a node because of their host ports. */
export function portsConflict(wanted: readonly HostPort[], used: readonly HostPort[]): boolean {
  for (const a of wanted) {
    for (const b of used) {
      if (a.port === b.port && (a.ip === b.ip || a.ip === '0.0.0.0' || b.ip === '0.0.0.0')) return true
    }
  }
  return false
}

function textOf(tolerations: readonly Toleration[] = NO_TOLERATIONS): string {
  let text = ''
  for (const { key = '', operator = 'Equal', value = '', effect = '' } of tolerations) {
    text += `|${key}:${operator}:${value}:${effect}`
  }
  return text
}

function hostPortsOf(pod: Pod): readonly HostPort[] {
  let ports: HostPort[] | undefined
  for (const container of pod.spec.containers) {
    for (const { hostPort, hostIP, protocol = 'TCP' } of container.ports ?? []) {
      if (hostPort === undefined || hostPort === 0) continue
      ports ??= []
      ports.push({ port: `${protocol}/${hostPort}`, ip: hostIP === undefined || hostIP === '' ? '0.0.0.0' : hostIP })
    }
  }
  return ports ?? NO_PORTS
}

function termsOf(pod: Pod, terms: readonly PodAffinityTerm[] | undefined): readonly AffinityTerm[] {
  if (terms === undefined || terms.length === 0) return NO_TERMS
  return terms.map(({ topologyKey, namespaces, labelSelector }) => ({
    topologyKey,
    namespaces: namespaces === undefined || namespaces.length === 0 ? [pod.metadata.namespace ?? ''] : namespaces,
    matches: matcherOf(labelSelector),
  }))
}
