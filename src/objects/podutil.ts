/**
 * Questions that every component asks of a pod. Models kubernetes pkg/api/v1/pod, pkg/controller (IsPodActive), component-helpers
 * resource (PodRequests) and pkg/apis/core/v1/helper/qos, v1.33. Resources other than cpu and memory are not summed.
 */
import { isConditionTrue } from './conditions.ts'
import type { IntOrString } from './meta.ts'
import type { Container, Pod, PodSpec, Protocol, ResourceRequirements } from './pod.ts'
import { milliValue, wholeValue } from './quantity.ts'

export interface PodRequests {
  readonly milliCpu: number
  readonly memoryBytes: number
}

const NOTHING: PodRequests = Object.freeze({ milliCpu: 0, memoryBytes: 0 })
const remembered = new WeakMap<
  readonly Container[],
  { init: readonly Container[] | undefined; requests: PodRequests }
>()

/** True when the pod's Ready condition is "True". */
export function isPodReady(pod: Pod): boolean {
  return isConditionTrue(pod.status?.conditions, 'Ready')
}

/** True when the pod has ended for good: Succeeded or Failed. */
export function isPodTerminal(pod: Pod): boolean {
  const phase = pod.status?.phase
  return phase === 'Succeeded' || phase === 'Failed'
}

/** True for what a controller counts as a replica: neither ended nor asked to end. */
export function isPodActive(pod: Pod): boolean {
  return !isPodTerminal(pod) && pod.metadata.deletionTimestamp === undefined
}

/** True for an init container that keeps running beside the others. */
export function isSidecar(container: Container): boolean {
  return container.restartPolicy === 'Always'
}

/** What the scheduler reserves: containers and sidecars together, or the dearest moment of initialisation if that is more. */
export function podRequests(spec: PodSpec): PodRequests {
  const known = remembered.get(spec.containers)
  if (known !== undefined && known.init === spec.initContainers) return known.requests
  const requests = sumRequests(spec)
  if (Object.isFrozen(spec.containers)) remembered.set(spec.containers, { init: spec.initContainers, requests })
  return requests
}

function sumRequests(spec: PodSpec): PodRequests {
  let milliCpu = 0
  let memoryBytes = 0
  for (const container of spec.containers) {
    const own = containerRequests(container)
    milliCpu += own.milliCpu
    memoryBytes += own.memoryBytes
  }
  let sidecarCpu = 0
  let sidecarMemory = 0
  let peakCpu = 0
  let peakMemory = 0
  for (const container of spec.initContainers ?? []) {
    const own = containerRequests(container)
    if (isSidecar(container)) {
      sidecarCpu += own.milliCpu
      sidecarMemory += own.memoryBytes
    }
    peakCpu = Math.max(peakCpu, isSidecar(container) ? sidecarCpu : sidecarCpu + own.milliCpu)
    peakMemory = Math.max(peakMemory, isSidecar(container) ? sidecarMemory : sidecarMemory + own.memoryBytes)
  }
  return Object.freeze({
    milliCpu: Math.max(milliCpu + sidecarCpu, peakCpu),
    memoryBytes: Math.max(memoryBytes + sidecarMemory, peakMemory),
  })
}

/** One container's requests. A missing request counts as 0 here (defaulting has copied limits before). */
export function containerRequests(container: Container): PodRequests {
  const requests = container.resources?.requests
  if (requests === undefined) return NOTHING
  return {
    milliCpu: requests.cpu === undefined ? 0 : milliValue(requests.cpu),
    memoryBytes: requests.memory === undefined ? 0 : wholeValue(requests.memory),
  }
}

/** The container port that a Service's targetPort or a probe's port means: a number is itself, a name is looked up in the pod. */
export function resolvePort(spec: PodSpec, port: IntOrString, protocol: Protocol = 'TCP'): number | undefined {
  if (typeof port === 'number') return port
  return (
    findPort(spec.containers, port, protocol) ?? findPort((spec.initContainers ?? []).filter(isSidecar), port, protocol)
  )
}

/** The port that a container's own probe or hook names, in that container alone. */
export function resolveContainerPort(container: Container, port: IntOrString): number | undefined {
  if (typeof port === 'number') return port
  for (const candidate of container.ports ?? []) if (candidate.name === port) return candidate.containerPort
  return /^\d+$/.test(port) ? Number(port) : undefined
}

function findPort(containers: readonly Container[], name: string, protocol: Protocol): number | undefined {
  for (const container of containers) {
    for (const port of container.ports ?? []) {
      if (port.name === name && (port.protocol ?? 'TCP') === protocol) return port.containerPort
    }
  }
  return undefined
}

/** The quality-of-service class from the requests and limits of cpu and memory. */
export function qosClass(spec: PodSpec): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  let any = false
  let guaranteed = true
  for (const container of [...(spec.initContainers ?? []), ...spec.containers]) {
    for (const name of ['cpu', 'memory'] as const) {
      const request = positive(container.resources, 'requests', name)
      const limit = positive(container.resources, 'limits', name)
      if (request !== undefined || limit !== undefined) any = true
      if (limit === undefined || (request !== undefined && request !== limit)) guaranteed = false
    }
  }
  if (!any) return 'BestEffort'
  return guaranteed ? 'Guaranteed' : 'Burstable'
}

function positive(
  resources: ResourceRequirements | undefined,
  side: 'requests' | 'limits',
  name: 'cpu' | 'memory',
): number | undefined {
  const text = resources?.[side]?.[name]
  if (text === undefined) return undefined
  const value = name === 'cpu' ? milliValue(text) : wholeValue(text)
  return value > 0 ? value : undefined
}
