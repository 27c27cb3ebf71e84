/** Validation of metadata and of selectors. Models apimachinery pkg/api/validation objectmeta.go and metav1 validation, v1.33. */

import { sameValue } from '../equal.ts'
import type { KubeObject, LabelSelector, Labels, ObjectMeta } from '../meta.ts'
import type { ResourceInfo } from '../resources.ts'
import type { FieldErrors } from './errors.ts'
import {
  label1035Complaint,
  labelComplaint,
  labelValueComplaint,
  qualifiedNameComplaint,
  subdomainComplaint,
} from './names.ts'

const ANNOTATIONS_BYTES_MAX = 262_144

/** The name's form for a resource: the complaint or undefined. */
export function nameComplaint(info: ResourceInfo, name: string): string | undefined {
  if (info.resource === 'services') return label1035Complaint(name)
  if (info.resource === 'namespaces') return labelComplaint(name)
  return subdomainComplaint(name)
}

/** Name, namespace, labels, annotations, finalizers and owners of a new or changed object. */
export function validateMetadata(errors: FieldErrors, info: ResourceInfo, object: KubeObject): void {
  const { metadata } = object
  if (metadata.name === undefined || metadata.name === '') {
    errors.required('metadata.name', 'name or generateName is required')
  } else {
    const complaint = nameComplaint(info, metadata.name)
    if (complaint !== undefined) errors.invalid('metadata.name', metadata.name, complaint)
  }
  if (info.namespaced) {
    if (!metadata.namespace) errors.required('metadata.namespace')
    else if (labelComplaint(metadata.namespace) !== undefined) {
      errors.invalid('metadata.namespace', metadata.namespace, labelComplaint(metadata.namespace) as string)
    }
  } else if (metadata.namespace) {
    errors.forbidden('metadata.namespace', 'not allowed on this type')
  }
  validateLabels(errors, 'metadata.labels', metadata.labels)
  validateAnnotations(errors, metadata.annotations)
  for (const finalizer of metadata.finalizers ?? []) {
    const complaint = qualifiedNameComplaint(finalizer)
    if (complaint !== undefined) errors.invalid('metadata.finalizers', finalizer, complaint)
  }
  validateOwners(errors, metadata)
}

/** Keys and values of labels. */
export function validateLabels(errors: FieldErrors, field: string, labels: Labels | undefined): void {
  for (const [key, value] of Object.entries(labels ?? {})) {
    const keyComplaint = qualifiedNameComplaint(key)
    if (keyComplaint !== undefined) errors.invalid(field, key, keyComplaint)
    const valueComplaint = labelValueComplaint(String(value))
    if (valueComplaint !== undefined) errors.invalid(field, value, valueComplaint)
  }
}

function validateAnnotations(errors: FieldErrors, annotations: Labels | undefined): void {
  let bytes = 0
  for (const [key, value] of Object.entries(annotations ?? {})) {
    bytes += key.length + value.length
    const complaint = qualifiedNameComplaint(key.toLowerCase())
    if (complaint !== undefined) errors.invalid('metadata.annotations', key, complaint)
  }
  if (bytes > ANNOTATIONS_BYTES_MAX) errors.tooLong('metadata.annotations', ANNOTATIONS_BYTES_MAX)
}

function validateOwners(errors: FieldErrors, metadata: ObjectMeta): void {
  let controllers = 0
  for (const [i, owner] of (metadata.ownerReferences ?? []).entries()) {
    const field = `metadata.ownerReferences[${i}]`
    if (!owner.apiVersion) errors.invalid(`${field}.apiVersion`, owner.apiVersion, 'version must not be empty')
    if (!owner.kind) errors.invalid(`${field}.kind`, owner.kind, 'must not be empty')
    if (!owner.name) errors.invalid(`${field}.name`, owner.name, 'must not be empty')
    if (!owner.uid) errors.invalid(`${field}.uid`, owner.uid, 'must not be empty')
    if (owner.controller === true && ++controllers > 1) {
      errors.invalid('metadata.ownerReferences', owner, 'Only one reference can have Controller set to true')
    }
  }
}

/** What an update may not change: the identity, and (once deletion has begun) the set of finalizers may only shrink. */
export function validateMetadataUpdate(errors: FieldErrors, after: ObjectMeta, before: ObjectMeta): void {
  for (const field of ['name', 'namespace', 'uid', 'creationTimestamp'] as const) {
    if (after[field] !== before[field]) errors.immutable(`metadata.${field}`, after[field])
  }
  if (before.deletionTimestamp === undefined || after.finalizers === before.finalizers) return
  const added = (after.finalizers ?? []).filter((finalizer) => before.finalizers?.includes(finalizer) !== true)
  if (added.length > 0) {
    errors.forbidden(
      'metadata.finalizers',
      `no new finalizers can be added if the object is being deleted, found new finalizers ${JSON.stringify(added)}`,
    )
  }
}

/** The form of a selector: keys, operators, and values where the operator wants them. */
export function validateSelector(errors: FieldErrors, field: string, selector: LabelSelector | undefined): void {
  validateLabels(errors, `${field}.matchLabels`, selector?.matchLabels)
  for (const [i, { key, operator, values }] of (selector?.matchExpressions ?? []).entries()) {
    const path = `${field}.matchExpressions[${i}]`
    const count = values?.length ?? 0
    if (operator === 'In' || operator === 'NotIn') {
      if (count === 0) errors.required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'")
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (count > 0)
        errors.forbidden(`${path}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
    } else {
      errors.invalid(`${path}.operator`, operator, 'not a valid selector operator')
    }
    const complaint = qualifiedNameComplaint(key)
    if (complaint !== undefined) errors.invalid(`${path}.key`, key, complaint)
  }
}

/** True when a selector selects nothing in particular: no labels and no expressions. */
export function isEmptySelector(selector: LabelSelector | undefined): boolean {
  return sameValue(selector?.matchLabels ?? {}, {}) && (selector?.matchExpressions?.length ?? 0) === 0
}
