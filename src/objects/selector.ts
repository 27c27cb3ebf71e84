/**
 * Label selectors: those in objects (`LabelSelector`) compiled to matchers, and those of queries (`app=web,tier in (a,b)`) parsed.
 * Models apimachinery pkg/labels and metav1.LabelSelectorAsSelector, v1.33. No selector matches nothing; an empty one matches everything.
 */
import type { LabelSelector, Labels } from './meta.ts'

export type LabelOperator = 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt'

export interface LabelRequirement {
  readonly key: string
  readonly operator: LabelOperator
  readonly values: readonly string[]
}

/** Answers whether labels satisfy a selector. */
export type LabelMatcher = (labels: Labels | undefined) => boolean

/** A value, or what is wrong with the text that should have given it. */
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly message: string }

const NO_LABELS: Labels = Object.freeze({})
const nothing: LabelMatcher = () => false
const everything: LabelMatcher = () => true
const compiled = new WeakMap<LabelSelector, LabelMatcher>()

/** The matcher of an object's selector, remembered per selector. Undefined matches nothing, `{}` everything. */
export function matcherOf(selector: LabelSelector | undefined): LabelMatcher {
  if (selector === undefined) return nothing
  let matcher = compiled.get(selector)
  if (matcher === undefined) {
    matcher = matcherOfRequirements(requirementsOf(selector))
    if (Object.isFrozen(selector)) compiled.set(selector, matcher)
  }
  return matcher
}

/** True when the labels satisfy the selector. */
export function selectorMatches(selector: LabelSelector | undefined, labels: Labels | undefined): boolean {
  return matcherOf(selector)(labels)
}

/** True when every pair of `wanted` (a Service's selector, a node selector) is among the labels. Undefined or empty: false. */
export function labelsInclude(wanted: Labels | undefined, labels: Labels | undefined): boolean {
  if (wanted === undefined) return false
  let any = false
  for (const key in wanted) {
    if (labels?.[key] !== wanted[key]) return false
    any = true
  }
  return any
}

/** The requirements of an object's selector, in the order written. */
export function requirementsOf(selector: LabelSelector): readonly LabelRequirement[] {
  const requirements: LabelRequirement[] = []
  for (const key in selector.matchLabels) {
    requirements.push({ key, operator: 'In', values: [selector.matchLabels[key] as string] })
  }
  for (const { key, operator, values } of selector.matchExpressions ?? []) {
    requirements.push({ key, operator, values: values ?? [] })
  }
  return requirements
}

/** The matcher for requirements that must all hold. */
export function matcherOfRequirements(requirements: readonly LabelRequirement[]): LabelMatcher {
  if (requirements.length === 0) return everything
  const [first] = requirements
  if (requirements.length === 1 && first !== undefined && first.operator === 'In' && first.values.length === 1) {
    const { key, values } = first
    return (labels) => labels?.[key] === values[0]
  }
  return (labels = NO_LABELS) => {
    for (const requirement of requirements) if (!requirementHolds(requirement, labels)) return false
    return true
  }
}

/** Whether one requirement holds. NotIn holds where the key is missing; Gt and Lt compare integers. */
export function requirementHolds({ key, operator, values }: LabelRequirement, labels: Labels): boolean {
  const value = labels[key]
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value)
    case 'NotIn':
      return value === undefined || !values.includes(value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
    case 'Gt':
      return value !== undefined && isInteger(value) && Number(value) > Number(values[0])
    case 'Lt':
      return value !== undefined && isInteger(value) && Number(value) < Number(values[0])
  }
}

/** Parses a query's label selector: `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b)`, `a`, `!a`, `a>1`, joined by commas. */
export function parseLabelSelector(text: string): Parsed<readonly LabelRequirement[]> {
  const requirements: LabelRequirement[] = []
  for (const part of splitOutsideBrackets(text)) {
    const requirement = parseRequirement(part.trim())
    if (typeof requirement === 'string') {
      return { ok: false, message: `unable to parse requirement: ${requirement} in "${text}"` }
    }
    requirements.push(requirement)
  }
  return { ok: true, value: requirements }
}

const KEY = '((?:[A-Za-z0-9.-]+/)?[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)'
const SET = new RegExp(`^${KEY}\\s+(in|notin)\\s*\\(([^()]*)\\)$`)
const COMPARE = new RegExp(`^${KEY}\\s*(==|!=|=|>|<)\\s*([A-Za-z0-9._-]*)$`)
const PRESENCE = new RegExp(`^(!?)\\s*${KEY}$`)

function parseRequirement(part: string): LabelRequirement | string {
  const set = SET.exec(part)
  if (set !== null) {
    const values = (set[3] as string).split(',').map((value) => value.trim())
    return { key: set[1] as string, operator: set[2] === 'in' ? 'In' : 'NotIn', values }
  }
  const compare = COMPARE.exec(part)
  if (compare !== null) {
    const [, key, sign, value] = compare as unknown as [string, string, string, string]
    if (sign === '>' || sign === '<') {
      if (!isInteger(value)) return `for '${sign}' the value must be an integer, found "${value}"`
      return { key, operator: sign === '>' ? 'Gt' : 'Lt', values: [value] }
    }
    return { key, operator: sign === '!=' ? 'NotIn' : 'In', values: [value] }
  }
  const presence = PRESENCE.exec(part)
  if (presence !== null) {
    return { key: presence[2] as string, operator: presence[1] === '!' ? 'DoesNotExist' : 'Exists', values: [] }
  }
  return part === '' ? 'found nothing between commas' : `found "${part}"`
}

function isInteger(text: string): boolean {
  return /^-?\d+$/.test(text)
}

function splitOutsideBrackets(text: string): string[] {
  if (text.trim() === '') return []
  const parts: string[] = []
  let depth = 0
  let from = 0
  for (let i = 0; i < text.length; i++) {
    const character = text[i]
    if (character === '(') depth++
    else if (character === ')') depth--
    else if (character === ',' && depth === 0) {
      parts.push(text.slice(from, i))
      from = i + 1
    }
  }
  parts.push(text.slice(from))
  return parts
}
