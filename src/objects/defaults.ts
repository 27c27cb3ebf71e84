/**
 * Defaulting: what an API server fills in before it looks at an object. Models kubernetes pkg/apis/{core,apps,discovery}/v1
 * defaults.go, v1.33, for the fields that the types here have. Parts that need nothing are shared; defaulting twice is the identity.
 */
import { copyWith } from './copy.ts'
import { defaultPodSpec } from './defaults-pod.ts'
import type { Deployment, EndpointSlice, Node, ReplicaSet, Secret, Service, ServicePort } from './kinds.ts'
import type { KubeObject } from './meta.ts'
import type { Pod, PodTemplateSpec } from './pod.ts'

const CLIENT_IP_TIMEOUT_SECONDS = 10_800

/** The object with the defaults of its kind; the very same object when nothing was missing. */
export function withDefaults<T extends KubeObject>(object: T): T {
  return defaulted(object) as unknown as T
}

function defaulted(object: KubeObject): KubeObject {
  switch (object.kind) {
    case 'Pod':
      return defaultPod(object as Pod)
    case 'Deployment':
      return defaultDeployment(object as Deployment)
    case 'ReplicaSet':
      return defaultReplicaSet(object as ReplicaSet)
    case 'Service':
      return defaultService(object as Service)
    case 'Secret':
      return defaultSecret(object as Secret)
    case 'Node':
      return defaultNode(object as Node)
    case 'EndpointSlice':
      return defaultEndpointSlice(object as EndpointSlice)
    default:
      return object
  }
}

function defaultPod(pod: Pod): Pod {
  const spec = defaultPodSpec(pod.spec, 'pod')
  return spec === pod.spec ? pod : copyWith(pod, { spec })
}

function defaultTemplate(template: PodTemplateSpec): PodTemplateSpec {
  const spec = defaultPodSpec(template.spec, 'template')
  return spec === template.spec ? template : copyWith(template, { spec })
}

function defaultDeployment(deployment: Deployment): Deployment {
  const { spec } = deployment
  const template = defaultTemplate(spec.template)
  const strategy = defaultStrategy(spec.strategy)
  if (
    template === spec.template &&
    strategy === spec.strategy &&
    spec.replicas !== undefined &&
    spec.revisionHistoryLimit !== undefined &&
    spec.progressDeadlineSeconds !== undefined
  ) {
    return deployment
  }
  return {
    ...deployment,
    spec: {
      ...spec,
      replicas: spec.replicas ?? 1,
      revisionHistoryLimit: spec.revisionHistoryLimit ?? 10,
      progressDeadlineSeconds: spec.progressDeadlineSeconds ?? 600,
      strategy,
      template,
    },
  }
}

function defaultStrategy(strategy: Deployment['spec']['strategy']): Deployment['spec']['strategy'] {
  const type = strategy?.type ?? 'RollingUpdate'
  if (type !== 'RollingUpdate') return strategy
  const { maxSurge, maxUnavailable } = strategy?.rollingUpdate ?? {}
  if (strategy?.type !== undefined && maxSurge !== undefined && maxUnavailable !== undefined) return strategy
  return { type, rollingUpdate: { maxSurge: maxSurge ?? '25%', maxUnavailable: maxUnavailable ?? '25%' } }
}

function defaultReplicaSet(replicaSet: ReplicaSet): ReplicaSet {
  const { spec } = replicaSet
  const template = defaultTemplate(spec.template)
  if (template === spec.template && spec.replicas !== undefined) return replicaSet
  return copyWith(replicaSet, { spec: copyWith(spec, { replicas: spec.replicas ?? 1, template }) })
}

function defaultService(service: Service): Service {
  const before = service.spec
  const type = before.type ?? 'ClusterIP'
  const sessionAffinity = before.sessionAffinity ?? 'None'
  const external = type === 'NodePort' || type === 'LoadBalancer'
  const ports = before.ports?.every(isCompletePort) === true ? before.ports : before.ports?.map(defaultServicePort)
  const internalTrafficPolicy = before.internalTrafficPolicy ?? (type === 'ExternalName' ? undefined : 'Cluster')
  const externalTrafficPolicy = before.externalTrafficPolicy ?? (external ? 'Cluster' : undefined)
  const sessionAffinityConfig =
    sessionAffinity === 'ClientIP' && before.sessionAffinityConfig?.clientIP?.timeoutSeconds === undefined
      ? { clientIP: { timeoutSeconds: CLIENT_IP_TIMEOUT_SECONDS } }
      : before.sessionAffinityConfig
  if (
    before.type === type &&
    before.sessionAffinity === sessionAffinity &&
    before.ports === ports &&
    before.internalTrafficPolicy === internalTrafficPolicy &&
    before.externalTrafficPolicy === externalTrafficPolicy &&
    before.sessionAffinityConfig === sessionAffinityConfig
  ) {
    return service
  }
  return copyWith(service, {
    spec: copyWith(before, {
      type,
      sessionAffinity,
      ...(ports === undefined ? {} : { ports }),
      ...(internalTrafficPolicy === undefined ? {} : { internalTrafficPolicy }),
      ...(externalTrafficPolicy === undefined ? {} : { externalTrafficPolicy }),
      ...(sessionAffinityConfig === undefined ? {} : { sessionAffinityConfig }),
    }),
  })
}

function isCompletePort(port: ServicePort): boolean {
  return port.protocol !== undefined && port.targetPort !== undefined && port.targetPort !== ''
}

function defaultServicePort(port: ServicePort): ServicePort {
  if (isCompletePort(port)) return port
  const unset = port.targetPort === undefined || port.targetPort === ''
  return { ...port, protocol: port.protocol ?? 'TCP', targetPort: unset ? port.port : port.targetPort }
}

function defaultSecret(secret: Secret): Secret {
  if (secret.type !== undefined && secret.stringData === undefined) return secret
  const { stringData, ...rest } = secret
  const data: Record<string, string> = { ...secret.data }
  for (const [key, text] of Object.entries(stringData ?? {})) data[key] = Buffer.from(text, 'utf8').toString('base64')
  return {
    ...rest,
    type: secret.type ?? 'Opaque',
    ...(secret.data === undefined && stringData === undefined ? {} : { data }),
  }
}

function defaultNode(node: Node): Node {
  if (node.spec === undefined) return defaultNode(copyWith(node, { spec: {} }))
  if (node.status?.capacity === undefined || node.status.allocatable !== undefined) return node
  return copyWith(node, { status: copyWith(node.status, { allocatable: node.status.capacity }) })
}

function defaultEndpointSlice(slice: EndpointSlice): EndpointSlice {
  const needsPorts = slice.ports?.some((port) => port.protocol === undefined || port.name === undefined) === true
  if (!needsPorts && slice.endpoints !== undefined) return slice
  const ports = slice.ports?.map((port) => ({ ...port, name: port.name ?? '', protocol: port.protocol ?? 'TCP' }))
  return { ...slice, endpoints: slice.endpoints ?? [], ...(ports === undefined ? {} : { ports }) }
}
