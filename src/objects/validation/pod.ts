/**
 * Validation of pods and pod templates. Models kubernetes pkg/apis/core/validation (ValidatePodSpec, ValidatePodUpdate), v1.33.
 * A frozen spec that was found right is remembered, so a template's pods are not looked at again.
 */
import { sameValue } from '../equal.ts'
import type { Affinity, NodeSelectorTerm, Pod, PodAffinityTerm, PodSpec, Toleration } from '../pod.ts'
import { validateContainers } from './containers.ts'
import type { FieldErrors } from './errors.ts'
import { validateLabels, validateSelector } from './metadata.ts'
import { qualifiedNameComplaint, subdomainComplaint } from './names.ts'

const foundRight = new WeakSet<PodSpec>()

/** The spec of a pod or of a template (after defaulting). */
export function validatePodSpec(errors: FieldErrors, path: string, spec: PodSpec): void {
  if (foundRight.has(spec)) return
  const before = errors.list.length
  validateContainers(errors, path, spec)
  errors.oneOf(`${path}.restartPolicy`, spec.restartPolicy, ['Always', 'OnFailure', 'Never'])
  errors.notNegative(`${path}.terminationGracePeriodSeconds`, spec.terminationGracePeriodSeconds)
  if (spec.activeDeadlineSeconds !== undefined && !(spec.activeDeadlineSeconds >= 1)) {
    errors.invalid(
      `${path}.activeDeadlineSeconds`,
      spec.activeDeadlineSeconds,
      'must be between 1 and 2147483647, inclusive',
    )
  }
  if (spec.nodeName !== undefined && spec.nodeName !== '') {
    const complaint = subdomainComplaint(spec.nodeName)
    if (complaint !== undefined) errors.invalid(`${path}.nodeName`, spec.nodeName, complaint)
  }
  if (spec.dnsPolicy !== undefined) {
    errors.oneOf(`${path}.dnsPolicy`, spec.dnsPolicy, ['ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None'])
  }
  validateLabels(errors, `${path}.nodeSelector`, spec.nodeSelector)
  for (const [i, toleration] of (spec.tolerations ?? []).entries()) {
    validateToleration(errors, `${path}.tolerations[${i}]`, toleration)
  }
  if (spec.affinity !== undefined) validateAffinity(errors, `${path}.affinity`, spec.affinity)
  for (const [i, gate] of (spec.readinessGates ?? []).entries()) {
    const complaint = qualifiedNameComplaint(gate.conditionType ?? '')
    if (complaint !== undefined)
      errors.invalid(`${path}.readinessGates[${i}].conditionType`, gate.conditionType, complaint)
  }
  if (errors.list.length === before && Object.isFrozen(spec)) foundRight.add(spec)
}

function validateToleration(errors: FieldErrors, path: string, toleration: Toleration): void {
  const { key, operator = 'Equal', value, effect, tolerationSeconds } = toleration
  if (key) {
    const complaint = qualifiedNameComplaint(key)
    if (complaint !== undefined) errors.invalid(`${path}.key`, key, complaint)
  } else if (operator !== 'Exists') {
    errors.invalid(
      `${path}.operator`,
      operator,
      'operator must be Exists when `key` is empty, which means "match all values and all keys"',
    )
  }
  errors.oneOf(`${path}.operator`, operator, ['Equal', 'Exists'])
  if (operator === 'Exists' && value) {
    errors.invalid(`${path}.operator`, toleration, 'value must be empty when `operator` is "Exists"')
  }
  if (effect) errors.oneOf(`${path}.effect`, effect, ['NoSchedule', 'PreferNoSchedule', 'NoExecute'])
  if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
    errors.invalid(`${path}.effect`, effect ?? '', "effect must be 'NoExecute' when `tolerationSeconds` is set")
  }
}

function validateAffinity(errors: FieldErrors, path: string, affinity: Affinity): void {
  const { nodeAffinity } = affinity
  const required = nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  if (required !== undefined) {
    const field = `${path}.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms`
    if (!required.nodeSelectorTerms?.length) errors.required(field, 'must have at least one node selector term')
    for (const [i, term] of (required.nodeSelectorTerms ?? []).entries()) validateTerm(errors, `${field}[${i}]`, term)
  }
  for (const [i, entry] of (nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
    const field = `${path}.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[${i}]`
    validateWeight(errors, field, entry.weight)
    validateTerm(errors, `${field}.preference`, entry.preference)
  }
  for (const kind of ['podAffinity', 'podAntiAffinity'] as const) {
    const side = affinity[kind]
    for (const [i, term] of (side?.requiredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
      validatePodTerm(errors, `${path}.${kind}.requiredDuringSchedulingIgnoredDuringExecution[${i}]`, term)
    }
    for (const [i, entry] of (side?.preferredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
      const field = `${path}.${kind}.preferredDuringSchedulingIgnoredDuringExecution[${i}]`
      validateWeight(errors, field, entry.weight)
      validatePodTerm(errors, `${field}.podAffinityTerm`, entry.podAffinityTerm)
    }
  }
}

function validateWeight(errors: FieldErrors, path: string, weight: number): void {
  if (!(weight >= 1 && weight <= 100)) errors.invalid(`${path}.weight`, weight, 'must be in the range 1-100')
}

function validateTerm(errors: FieldErrors, path: string, term: NodeSelectorTerm): void {
  for (const [i, { key, operator, values }] of (term?.matchExpressions ?? []).entries()) {
    const field = `${path}.matchExpressions[${i}]`
    const count = values?.length ?? 0
    if (operator === 'In' || operator === 'NotIn') {
      if (count === 0) errors.required(`${field}.values`, "must be specified when `operator` is 'In' or 'NotIn'")
    } else if (operator === 'Gt' || operator === 'Lt') {
      if (count !== 1)
        errors.required(`${field}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'")
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (count > 0)
        errors.forbidden(`${field}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
    } else {
      errors.invalid(`${field}.operator`, operator, 'not a valid selector operator')
    }
    const complaint = qualifiedNameComplaint(key ?? '')
    if (complaint !== undefined) errors.invalid(`${field}.key`, key, complaint)
  }
}

function validatePodTerm(errors: FieldErrors, path: string, term: PodAffinityTerm): void {
  if (!term?.topologyKey) errors.required(`${path}.topologyKey`, 'can not be empty')
  else if (qualifiedNameComplaint(term.topologyKey) !== undefined) {
    errors.invalid(`${path}.topologyKey`, term.topologyKey, qualifiedNameComplaint(term.topologyKey) as string)
  }
  validateSelector(errors, `${path}.labelSelector`, term?.labelSelector)
}

/** What an update may change in a pod's spec: images, the active deadline (only shorter), tolerations (only more). */
export function validatePodUpdate(errors: FieldErrors, after: Pod, before: Pod): void {
  if (after.spec === before.spec) return
  const { activeDeadlineSeconds: deadline } = after.spec
  const earlier = before.spec.activeDeadlineSeconds
  if (earlier !== undefined && (deadline === undefined || deadline > earlier)) {
    errors.invalid('spec.activeDeadlineSeconds', deadline ?? null, 'must be less than or equal to previous value')
  }
  const kept = before.spec.tolerations ?? []
  const missing = kept.some(
    (old) =>
      !(after.spec.tolerations ?? []).some((now) =>
        sameValue({ ...now, tolerationSeconds: 0 }, { ...old, tolerationSeconds: 0 }),
      ),
  )
  if (missing)
    errors.forbidden('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds')
  if (sameValue(masked(after.spec), masked(before.spec))) return
  errors.forbidden(
    'spec',
    'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
  )
}

function masked(spec: PodSpec): PodSpec {
  const { activeDeadlineSeconds: _deadline, tolerations: _tolerations, ...rest } = spec
  return {
    ...rest,
    containers: spec.containers.map((container) => ({ ...container, image: '' })),
    ...(spec.initContainers === undefined
      ? {}
      : { initContainers: spec.initContainers.map((container) => ({ ...container, image: '' })) }),
  }
}
