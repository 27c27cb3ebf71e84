/**
 * Defaults of a pod's spec, its containers, ports and probes. Models kubernetes pkg/apis/core/v1 defaults.go, v1.33. Remembered per
 * frozen spec: the thousandth pod of a template costs one look-up and shares the template's spec.
 */
import { deepFreeze } from './freeze.ts'
import type {
  Container,
  ContainerPort,
  HttpGetAction,
  LifecycleHandler,
  PodSpec,
  Probe,
  ResourceRequirements,
} from './pod.ts'

/** Requests follow limits in a pod, not yet in a template. */
export type PodSpecPlace = 'pod' | 'template'

const remembered = { pod: new WeakMap<PodSpec, PodSpec>(), template: new WeakMap<PodSpec, PodSpec>() }

/** The spec with its defaults; the very same when nothing was missing. */
export function defaultPodSpec(spec: PodSpec, place: PodSpecPlace): PodSpec {
  const known = remembered[place].get(spec)
  if (known !== undefined) return known
  const result = defaulted(spec, place)
  if (Object.isFrozen(spec)) remembered[place].set(spec, deepFreeze(result))
  return result
}

/** Always for the tag `latest` or no tag, IfNotPresent for any other tag or a digest. */
export function defaultPullPolicy(image: string): 'Always' | 'IfNotPresent' {
  if (image.includes('@')) return 'IfNotPresent'
  const colon = image.lastIndexOf(':')
  const tag = colon > image.lastIndexOf('/') ? image.slice(colon + 1) : 'latest'
  return tag === 'latest' ? 'Always' : 'IfNotPresent'
}

function defaulted(spec: PodSpec, place: PodSpecPlace): PodSpec {
  const hostNetwork = spec.hostNetwork === true
  const containers = mapShared(spec.containers, (container) => defaultContainer(container, hostNetwork, place))
  const initContainers =
    spec.initContainers &&
    mapShared(spec.initContainers, (container) => defaultContainer(container, hostNetwork, place))
  if (
    containers === spec.containers &&
    initContainers === spec.initContainers &&
    spec.restartPolicy !== undefined &&
    spec.terminationGracePeriodSeconds !== undefined &&
    spec.dnsPolicy !== undefined &&
    spec.schedulerName !== undefined
  ) {
    return spec
  }
  return {
    ...spec,
    containers,
    ...(initContainers === undefined ? {} : { initContainers }),
    restartPolicy: spec.restartPolicy ?? 'Always',
    terminationGracePeriodSeconds: spec.terminationGracePeriodSeconds ?? 30,
    dnsPolicy: spec.dnsPolicy ?? 'ClusterFirst',
    schedulerName: spec.schedulerName ?? 'default-scheduler',
  }
}

function defaultContainer(container: Container, hostNetwork: boolean, place: PodSpecPlace): Container {
  const change: { -readonly [K in keyof Container]?: Container[K] } = {}
  if (container.imagePullPolicy === undefined && typeof container.image === 'string') {
    change.imagePullPolicy = defaultPullPolicy(container.image)
  }
  if (container.ports !== undefined) {
    const ports = mapShared(container.ports, (port) => defaultPort(port, hostNetwork))
    if (ports !== container.ports) change.ports = ports
  }
  for (const name of ['livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
    const probe = container[name]
    if (probe === undefined) continue
    const complete = defaultProbe(probe)
    if (complete !== probe) change[name] = complete
  }
  if (container.lifecycle !== undefined) {
    const { postStart, preStop } = container.lifecycle
    const start = postStart && defaultHandler(postStart)
    const stop = preStop && defaultHandler(preStop)
    if (start !== postStart || stop !== preStop) {
      change.lifecycle = {
        ...(start === undefined ? {} : { postStart: start }),
        ...(stop === undefined ? {} : { preStop: stop }),
      }
    }
  }
  if (place === 'pod' && container.resources?.limits !== undefined) {
    const resources = requestsFromLimits(container.resources)
    if (resources !== container.resources) change.resources = resources
  }
  for (const _ in change) return { ...container, ...change }
  return container
}

function defaultPort(port: ContainerPort, hostNetwork: boolean): ContainerPort {
  const hostPort = hostNetwork ? (port.hostPort ?? port.containerPort) : port.hostPort
  if (port.protocol !== undefined && hostPort === port.hostPort) return port
  return { ...port, protocol: port.protocol ?? 'TCP', ...(hostPort === undefined ? {} : { hostPort }) }
}

function defaultProbe(probe: Probe): Probe {
  const httpGet = probe.httpGet && defaultHttpGet(probe.httpGet)
  const { timeoutSeconds, periodSeconds, successThreshold, failureThreshold } = probe
  if (httpGet === probe.httpGet && timeoutSeconds && periodSeconds && successThreshold && failureThreshold) return probe
  return {
    ...probe,
    ...(httpGet === undefined ? {} : { httpGet }),
    timeoutSeconds: timeoutSeconds || 1,
    periodSeconds: periodSeconds || 10,
    successThreshold: successThreshold || 1,
    failureThreshold: failureThreshold || 3,
  }
}

function defaultHandler(handler: LifecycleHandler): LifecycleHandler {
  if (handler.httpGet === undefined) return handler
  const httpGet = defaultHttpGet(handler.httpGet)
  return httpGet === handler.httpGet ? handler : { ...handler, httpGet }
}

function defaultHttpGet(action: HttpGetAction): HttpGetAction {
  if (action.path && action.scheme) return action
  return { ...action, path: action.path || '/', scheme: action.scheme || 'HTTP' }
}

function requestsFromLimits(resources: ResourceRequirements): ResourceRequirements {
  const requests: Record<string, string> = { ...resources.requests }
  let changed = false
  for (const [name, limit] of Object.entries(resources.limits ?? {})) {
    if (requests[name] !== undefined) continue
    requests[name] = limit
    changed = true
  }
  return changed ? { ...resources, requests } : resources
}

function mapShared<T>(items: readonly T[], change: (item: T) => T): readonly T[] {
  let changed = false
  const result = items.map((item) => {
    const next = change(item)
    if (next !== item) changed = true
    return next
  })
  return changed ? result : items
}
