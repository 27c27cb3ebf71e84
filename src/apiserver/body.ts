/** The body of a write before anything else: is it an object of this resource, in this namespace, with fields of the right types? */
import {
  deepFreeze,
  hadNulls,
  type KubeObject,
  RESOURCES,
  type Resource,
  type Status,
  shapeErrors,
  withoutNulls,
} from '../objects/index.ts'
import { badRequest } from './status.ts'

interface BodyTarget {
  readonly resource: Resource
  readonly namespace?: string
  readonly name?: string
}

/** The object of a body with its namespace filled in, frozen; or the refusal. */
export function checkBody(target: BodyTarget, body: unknown): KubeObject | Status {
  const { resource } = target
  const { apiVersion, kind, namespaced } = RESOURCES[resource]
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    return unreadable(resource, 'the body is no object')
  let object = deepFreeze(body as KubeObject)
  if (
    (object.kind !== undefined && object.kind !== kind) ||
    (object.apiVersion !== undefined && object.apiVersion !== apiVersion)
  ) {
    return badRequest(
      `the object provided is unrecognized (must be of type ${kind} in ${apiVersion}): ${object.apiVersion}, Kind=${object.kind}`,
    )
  }
  const wrong = shapeErrors(resource, object)
  if (wrong.length > 0) return unreadable(resource, wrong.join(', '))
  if (hadNulls()) object = deepFreeze(cleaned(object))
  const metadata = object.metadata ?? { name: '' }
  if (namespaced && target.namespace === undefined)
    return badRequest('an empty namespace may not be set during creation')
  const { namespace } = metadata
  if (namespaced && namespace !== undefined && namespace !== '' && namespace !== target.namespace) {
    return badRequest(
      `the namespace of the provided object does not match the namespace sent on the request: ${namespace}, ${target.namespace}`,
    )
  }
  if (
    target.name !== undefined &&
    metadata.name !== undefined &&
    metadata.name !== '' &&
    metadata.name !== target.name
  ) {
    return badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${target.name})`)
  }
  const named = object.metadata?.name !== undefined && (metadata.name !== '' || target.name === undefined)
  const complete = named && object.kind === kind && object.apiVersion === apiVersion
  if (complete && (!namespaced || namespace === target.namespace)) return object
  return {
    ...object,
    apiVersion,
    kind,
    metadata: {
      ...metadata,
      name: metadata.name || (target.name ?? ''),
      ...(namespaced ? { namespace: target.namespace } : {}),
    },
  }
}

/** The body without nulls. The status is left alone: null means something there (a condition's lastProbeTime). */
function cleaned(body: KubeObject): KubeObject {
  const { status, ...rest } = body as KubeObject & { readonly status?: unknown }
  const clean = withoutNulls(rest)
  return status === undefined || status === null ? clean : (Object.assign({}, clean, { status }) as KubeObject)
}

function unreadable(resource: Resource, why: string): Status {
  const { kind, version } = RESOURCES[resource]
  return badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: ${why}`)
}
