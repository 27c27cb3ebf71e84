/**
 * Admission of new objects: the namespace must be there and not ending; pods tolerate broken nodes for a while. Models apiserver
 * pkg/admission/plugin/namespace/lifecycle and kubernetes plugin/pkg/admission/defaulttolerationseconds, v1.33. Left out: every other plugin.
 */
import {
  copyWith,
  deepFreeze,
  type KubeObject,
  type Namespace,
  type Pod,
  type PodSpec,
  RESOURCES,
  type Resource,
  registryKey,
  type Status,
  type Toleration,
} from '../objects/index.ts'
import type { Context } from './context.ts'
import { forbidden, notFound } from './status.ts'
import type { Steps } from './storage.ts'
import { readLive } from './update.ts'

const NOT_READY = 'node.kubernetes.io/not-ready'
const UNREACHABLE = 'node.kubernetes.io/unreachable'

/** A Namespace object of the cache that is Active admits at once; a missing one is looked up live. Gives the refusal, if any. */
export function* admitNamespace(
  context: Context,
  resource: Resource,
  namespace: string | undefined,
  objectName: string,
): Steps<Status | undefined> {
  if (!RESOURCES[resource].namespaced || namespace === undefined) return undefined
  const key = registryKey('namespaces', undefined, namespace)
  const found = context.caches.namespaces.get(key) ?? (yield* readLive(key))
  if (found === undefined) return notFound('namespaces', namespace)
  if (!isTerminating(found)) return undefined
  return forbidden(
    resource,
    objectName,
    `unable to create new content in namespace ${namespace} because it is being terminated`,
    [
      {
        reason: 'NamespaceTerminating',
        message: `namespace ${namespace} is being terminated`,
        field: 'metadata.namespace',
      },
    ],
  )
}

function isTerminating(namespace: KubeObject): boolean {
  return namespace.metadata.deletionTimestamp !== undefined || (namespace as Namespace).status?.phase === 'Terminating'
}

const remembered = new WeakMap<PodSpec, { seconds: number; spec: PodSpec }>()

/** The pod with tolerations for nodes that are not ready or unreachable, unless it has its own. Remembered per frozen spec. */
export function withDefaultTolerations(pod: Pod, seconds: number): Pod {
  const known = remembered.get(pod.spec)
  if (known !== undefined && known.seconds === seconds)
    return known.spec === pod.spec ? pod : copyWith(pod, { spec: known.spec })
  const tolerations = pod.spec.tolerations ?? []
  const added = [NOT_READY, UNREACHABLE]
    .filter((key) => !tolerations.some((toleration) => toleratesExecution(toleration, key)))
    .map((key): Toleration => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: seconds }))
  const spec = added.length === 0 ? pod.spec : copyWith(pod.spec, { tolerations: [...tolerations, ...added] })
  if (Object.isFrozen(pod.spec)) remembered.set(pod.spec, { seconds, spec: deepFreeze(spec) })
  return spec === pod.spec ? pod : copyWith(pod, { spec })
}

function toleratesExecution({ key, effect }: Toleration, taint: string): boolean {
  return (key === taint || !key) && (effect === 'NoExecute' || !effect)
}
