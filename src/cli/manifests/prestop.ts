/** Manifests with another preStop hook, to find out which one would be enough; and ports that nobody declared. */
import type { Deployment, KubeObject, Pod, Service } from '../../objects/index.ts'
import { labelsInclude } from '../../objects/index.ts'
import type { Recipe } from '../../trial/index.ts'

/** Lengths that are tried, in seconds. */
export const PRESTOP_SECONDS: readonly number[] = [1, 2, 3, 5, 8, 12, 20, 30]
/** What a program has left after its hook, at least. */
const GRACE_LEFT_SECONDS = 10
const DEFAULT_GRACE_SECONDS = 30

type Container = Pod['spec']['containers'][number]

/** The objects with a preStop sleep of so many seconds in every container of every Deployment, and grace enough for it. */
export function withPreStop(objects: readonly KubeObject[], seconds: number): readonly KubeObject[] {
  return objects.map((object) => {
    if (object.kind !== 'Deployment') return object
    const { spec, ...rest } = object as Deployment
    const pod = spec.template.spec
    const grace = graceWith(pod.terminationGracePeriodSeconds, seconds)
    const containers = pod.containers.map((container) => ({
      ...container,
      lifecycle: { ...container.lifecycle, preStop: { sleep: { seconds } } },
    }))
    const template = { ...spec.template, spec: { ...pod, containers, terminationGracePeriodSeconds: grace } }
    return { ...rest, spec: { ...spec, template } } as KubeObject
  })
}

/** The grace period that a hook of so many seconds needs. */
export function graceWith(graceSeconds: number | undefined, hookSeconds: number): number {
  return Math.max(graceSeconds ?? DEFAULT_GRACE_SECONDS, hookSeconds + GRACE_LEFT_SECONDS)
}

/**
 * Programs that listen where a Service sends its clients although no container declares that port: `containerPort` is only
 * information to Kubernetes. The first container of the pod is taken to be the one that listens.
 */
export function appsOf(objects: readonly KubeObject[]): NonNullable<Recipe['apps']> {
  const apps: Record<string, { readonly servePorts: readonly number[] }> = {}
  for (const object of objects) {
    const template = templateOf(object)
    const first = template?.containers[0]
    if (template === undefined || first === undefined) continue
    const declared = new Set(template.containers.flatMap(portsOf))
    const wanted = objects.filter(isService).flatMap((service) => {
      const { selector, ports } = service.spec
      const isHere = (service.metadata.namespace ?? 'default') === template.namespace
      if (!isHere || selector === undefined || !labelsInclude(selector, template.labels)) return []
      return (ports ?? []).map(({ port, targetPort }) => targetPort ?? port)
    })
    const missing = [...new Set(wanted)].filter((port) => typeof port === 'number' && !declared.has(port))
    if (missing.length > 0) apps[first.image] = { servePorts: [...portsOf(first), ...(missing as number[])] }
  }
  return apps
}

function templateOf(object: KubeObject) {
  const namespace = object.metadata.namespace ?? 'default'
  if (object.kind === 'Pod') {
    const { metadata, spec } = object as Pod
    return { namespace, labels: metadata.labels, containers: spec.containers }
  }
  if (object.kind !== 'Deployment' && object.kind !== 'ReplicaSet') return undefined
  const { template } = (object as Deployment).spec
  return { namespace, labels: template.metadata?.labels, containers: template.spec.containers }
}

function portsOf(container: Container): readonly number[] {
  return (container.ports ?? []).map(({ containerPort }) => containerPort)
}

function isService(object: KubeObject): object is Service {
  return object.kind === 'Service'
}
