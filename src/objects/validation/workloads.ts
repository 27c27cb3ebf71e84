/** Validation of Deployments, ReplicaSets and budgets. Models kubernetes pkg/apis/{apps,policy}/validation, v1.33. */
import { sameValue } from '../equal.ts'
import { isCountOrPercentage, percentage } from '../intorstring.ts'
import type { Deployment, PodDisruptionBudget, ReplicaSet } from '../kinds.ts'
import type { IntOrString, LabelSelector } from '../meta.ts'
import type { PodTemplateSpec } from '../pod.ts'
import { selectorMatches } from '../selector.ts'
import type { FieldErrors } from './errors.ts'
import { isEmptySelector, validateLabels, validateSelector } from './metadata.ts'
import { validatePodSpec } from './pod.ts'

export function validateDeployment(errors: FieldErrors, { spec }: Deployment): void {
  errors.notNegative('spec.replicas', spec.replicas)
  validateSelectorAndTemplate(errors, spec.selector, spec.template)
  errors.notNegative('spec.minReadySeconds', spec.minReadySeconds)
  errors.notNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit)
  errors.notNegative('spec.progressDeadlineSeconds', spec.progressDeadlineSeconds)
  if (spec.progressDeadlineSeconds !== undefined && spec.progressDeadlineSeconds <= (spec.minReadySeconds ?? 0)) {
    errors.invalid('spec.progressDeadlineSeconds', spec.progressDeadlineSeconds, 'must be greater than minReadySeconds')
  }
  validateStrategy(errors, spec.strategy)
}

function validateStrategy(errors: FieldErrors, strategy: Deployment['spec']['strategy']): void {
  errors.oneOf('spec.strategy.type', strategy?.type, ['Recreate', 'RollingUpdate'])
  const rolling = strategy?.rollingUpdate
  if (rolling === undefined) return
  const path = 'spec.strategy.rollingUpdate'
  if (strategy?.type === 'Recreate') {
    errors.forbidden(path, "may not be specified when strategy `type` is 'Recreate'")
    return
  }
  const { maxSurge = 0, maxUnavailable = 0 } = rolling
  validateCount(errors, `${path}.maxUnavailable`, maxUnavailable)
  validateCount(errors, `${path}.maxSurge`, maxSurge)
  if ((percentage(maxUnavailable) ?? 0) > 100) {
    errors.invalid(`${path}.maxUnavailable`, maxUnavailable, 'must not be greater than 100%')
  }
  if (isZero(maxUnavailable) && isZero(maxSurge)) {
    errors.invalid(`${path}.maxUnavailable`, maxUnavailable, 'may not be 0 when `maxSurge` is 0')
  }
}

function isZero(value: IntOrString): boolean {
  return value === 0 || percentage(value) === 0
}

function validateCount(errors: FieldErrors, field: string, value: IntOrString): void {
  if (isCountOrPercentage(value)) return
  errors.invalid(
    field,
    value,
    typeof value === 'number'
      ? 'must be greater than or equal to 0'
      : "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
  )
}

export function validateReplicaSet(errors: FieldErrors, { spec }: ReplicaSet): void {
  errors.notNegative('spec.replicas', spec.replicas)
  errors.notNegative('spec.minReadySeconds', spec.minReadySeconds)
  validateSelectorAndTemplate(errors, spec.selector, spec.template)
}

function validateSelectorAndTemplate(
  errors: FieldErrors,
  selector: LabelSelector | undefined,
  template: PodTemplateSpec,
): void {
  if (selector === undefined) errors.required('spec.selector')
  else {
    validateSelector(errors, 'spec.selector', selector)
    if (isEmptySelector(selector)) errors.invalid('spec.selector', selector, 'empty selector is invalid for deployment')
    else if (!selectorMatches(selector, template.metadata?.labels)) {
      errors.invalid(
        'spec.template.metadata.labels',
        template.metadata?.labels ?? null,
        '`selector` does not match template `labels`',
      )
    }
  }
  validateLabels(errors, 'spec.template.metadata.labels', template.metadata?.labels)
  validatePodSpec(errors, 'spec.template.spec', template.spec)
  if (template.spec.restartPolicy !== 'Always') {
    errors.oneOf('spec.template.spec.restartPolicy', template.spec.restartPolicy, ['Always'])
  }
  if (template.spec.activeDeadlineSeconds !== undefined) {
    errors.forbidden('spec.template.spec.activeDeadlineSeconds', 'activeDeadlineSeconds in ReplicaSet is not Supported')
  }
}

/** A Deployment's or ReplicaSet's selector never changes. */
export function validateSelectorUpdate(
  errors: FieldErrors,
  after: Deployment | ReplicaSet,
  before: Deployment | ReplicaSet,
): void {
  if (!sameValue(after.spec.selector, before.spec.selector)) errors.immutable('spec.selector', after.spec.selector)
}

export function validateBudget(errors: FieldErrors, { spec }: PodDisruptionBudget): void {
  const { minAvailable, maxUnavailable } = spec
  if (minAvailable !== undefined && maxUnavailable !== undefined) {
    errors.invalid('spec', spec, 'minAvailable and maxUnavailable cannot be both set')
  }
  for (const [name, value] of [
    ['minAvailable', minAvailable],
    ['maxUnavailable', maxUnavailable],
  ] as const) {
    if (value === undefined) continue
    validateCount(errors, `spec.${name}`, value)
    if ((percentage(value) ?? 0) > 100) errors.invalid(`spec.${name}`, value, 'must not be greater than 100%')
  }
  validateSelector(errors, 'spec.selector', spec.selector)
}
