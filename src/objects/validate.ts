/**
 * Validation of whole objects by kind: what an API server answers 422 Invalid to. Models kubernetes pkg/apis (each validation folder) and the update
 * strategies in pkg/registry, v1.33, for the fields that the types here have. Objects come in after defaulting and a check of shape.
 */
import type {
  ConfigMap,
  CoreEvent,
  Deployment,
  EndpointSlice,
  Lease,
  Node,
  PodDisruptionBudget,
  ReplicaSet,
  Secret,
  Service,
} from './kinds.ts'
import type { KubeObject } from './meta.ts'
import { sameClientMetadata } from './metadata.ts'
import type { Pod } from './pod.ts'
import { RESOURCES, type Resource } from './resources.ts'
import { type FieldError, FieldErrors } from './validation/errors.ts'
import { validateMetadata, validateMetadataUpdate } from './validation/metadata.ts'
import { configKeyComplaint } from './validation/names.ts'
import { validatePodSpec, validatePodUpdate } from './validation/pod.ts'
import { validateEndpointSlice, validateService, validateServiceUpdate } from './validation/service.ts'
import {
  validateBudget,
  validateDeployment,
  validateReplicaSet,
  validateSelectorUpdate,
} from './validation/workloads.ts'

export type { FieldError } from './validation/errors.ts'

const NO_ERRORS: readonly FieldError[] = Object.freeze([])

/** The mistakes in a new object (metadata with its final name and namespace); empty when there are none. */
export function validateCreate(resource: Resource, object: KubeObject): readonly FieldError[] {
  const errors = new FieldErrors()
  validateMetadata(errors, RESOURCES[resource], object)
  validateBody(errors, resource, object)
  return errors.list.length === 0 ? NO_ERRORS : errors.list
}

/** The mistakes in a change of an object: those of the new object in the parts that changed, and changes of what is immutable. */
export function validateUpdate(resource: Resource, after: KubeObject, before: KubeObject): readonly FieldError[] {
  const errors = new FieldErrors()
  if (after.metadata !== before.metadata) {
    if (!sameClientMetadata(after.metadata, before.metadata)) validateMetadata(errors, RESOURCES[resource], after)
    validateMetadataUpdate(errors, after.metadata, before.metadata)
  }
  if (bodyChanged(after, before)) {
    validateBodyUpdate(errors, resource, after, before)
    if (errors.list.length === 0) validateBody(errors, resource, after)
  }
  return errors.list.length === 0 ? NO_ERRORS : errors.list
}

function bodyChanged(after: KubeObject, before: KubeObject): boolean {
  const left = after as unknown as Readonly<Record<string, unknown>>
  const right = before as unknown as Readonly<Record<string, unknown>>
  for (const key in left) if (key !== 'metadata' && key !== 'status' && left[key] !== right[key]) return true
  for (const key in right) if (left[key] === undefined && right[key] !== undefined) return true
  return false
}

function validateBody(errors: FieldErrors, resource: Resource, object: KubeObject): void {
  switch (resource) {
    case 'pods':
      validatePodSpec(errors, 'spec', (object as Pod).spec)
      return
    case 'deployments':
      validateDeployment(errors, object as Deployment)
      return
    case 'replicasets':
      validateReplicaSet(errors, object as ReplicaSet)
      return
    case 'services':
      validateService(errors, object as Service)
      return
    case 'endpointslices':
      validateEndpointSlice(errors, object as EndpointSlice)
      return
    case 'poddisruptionbudgets':
      validateBudget(errors, object as PodDisruptionBudget)
      return
    case 'leases':
      validateLease(errors, object as Lease)
      return
    case 'nodes':
      validateNode(errors, object as Node)
      return
    case 'configmaps':
    case 'secrets':
      validateKeys(errors, object as ConfigMap | Secret)
      return
    case 'events':
      validateEvent(errors, object as CoreEvent)
      return
    case 'namespaces':
    case 'serviceaccounts':
      return
  }
}

function validateBodyUpdate(errors: FieldErrors, resource: Resource, after: KubeObject, before: KubeObject): void {
  switch (resource) {
    case 'pods':
      validatePodUpdate(errors, after as Pod, before as Pod)
      return
    case 'deployments':
    case 'replicasets':
      validateSelectorUpdate(errors, after as Deployment, before as Deployment)
      return
    case 'services':
      validateServiceUpdate(errors, after as Service, before as Service)
      return
    case 'endpointslices': {
      const { addressType } = after as EndpointSlice
      if (addressType !== (before as EndpointSlice).addressType) errors.immutable('addressType', addressType)
      return
    }
    case 'secrets': {
      const { type } = after as Secret
      if (type !== (before as Secret).type) errors.immutable('type', type)
      return
    }
    case 'nodes': {
      const earlier = (before as Node).spec.podCIDR
      const { podCIDR } = (after as Node).spec
      if (earlier && podCIDR !== earlier) {
        errors.forbidden('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid')
      }
      return
    }
    default:
      return
  }
}

function validateLease(errors: FieldErrors, { spec }: Lease): void {
  const { leaseDurationSeconds: seconds, leaseTransitions } = spec ?? {}
  if (seconds !== undefined && !(seconds > 0))
    errors.invalid('spec.leaseDurationSeconds', seconds, 'must be greater than 0')
  errors.notNegative('spec.leaseTransitions', leaseTransitions)
}

function validateNode(errors: FieldErrors, { spec }: Node): void {
  const seen = new Set<string>()
  for (const [i, taint] of (spec.taints ?? []).entries()) {
    errors.oneOf(`spec.taints[${i}].effect`, taint.effect, ['NoSchedule', 'PreferNoSchedule', 'NoExecute'])
    const key = `${taint.key}:${taint.effect}`
    if (seen.has(key)) errors.duplicate(`spec.taints[${i}]`, taint)
    seen.add(key)
  }
}

/** What is told about an object of a namespace is told there, about any other object in `default`. */
function validateEvent(errors: FieldErrors, { metadata, involvedObject }: CoreEvent): void {
  const wanted = involvedObject?.namespace || 'default'
  if (metadata.namespace !== wanted) {
    errors.invalid('involvedObject.namespace', involvedObject?.namespace ?? '', 'does not match event.namespace')
  }
}

function validateKeys(errors: FieldErrors, { data }: ConfigMap | Secret): void {
  for (const key in data) {
    const complaint = configKeyComplaint(key)
    if (complaint !== undefined) errors.invalid(`data[${key}]`, key, complaint)
  }
}
