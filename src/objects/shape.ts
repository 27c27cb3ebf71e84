/** Whether the fields of an object have the types that its kind wants: what a real server finds while it decodes a body. Unknown fields pass here. */

import { RESOURCES, type Resource } from './resources.ts'
import { METADATA, SCHEMAS } from './schema.ts'
import type { Field, FieldTable, FieldType } from './schema-field.ts'
import { POD_SPEC } from './schema-pod.ts'

const SHOWN: Readonly<Record<FieldType, string>> = {
  string: 'a string',
  integer: 'a whole number',
  boolean: 'true or false',
  'integer-or-string': 'a whole number or a string',
  'strings-by-name': 'strings by name',
  quantities: 'quantities by name',
  anything: 'anything',
}
const NEEDED: Readonly<Partial<Record<Resource, readonly (readonly string[])[]>>> = {
  pods: [['spec', 'containers']],
  deployments: [
    ['spec', 'template', 'spec', 'containers'],
    ['spec', 'template', 'metadata'],
  ],
  replicasets: [['spec', 'template', 'spec', 'containers']],
  services: [['spec']],
  poddisruptionbudgets: [['spec']],
  events: [['involvedObject'], ['source']],
}
const foundRight = new WeakSet<object>()

const NO_ERRORS: readonly string[] = Object.freeze([])

/** True when the last walk met a null; see `hadNulls`. */
let sawNull = false

/** Where the walk is: the members it has gone down through. Made into text only for a mistake. */
const walked: (string | number)[] = []

/** Whether the object that `shapeErrors` was last called with has null members among the fields that are known. */
export function hadNulls(): boolean {
  return sawNull
}

/** The mistakes as sentences with their path: `spec.replicas: must be a whole number, not "three"`. Of the status only the frame is looked at. */
export function shapeErrors(resource: Resource, object: object): readonly string[] {
  const errors: string[] = []
  sawNull = false
  walked.length = 0
  const parts = object as Readonly<Record<string, unknown>>
  checkField(errors, 'metadata', METADATA, parts.metadata)
  const schema = SCHEMAS[resource]
  for (const name in schema) checkField(errors, name, schema[name] as Field, parts[name])
  if (parts.status !== undefined && parts.status !== null) checkStatus(errors, parts.status)
  if (errors.length > 0) return errors
  for (const path of NEEDED[resource] ?? []) checkPresence(errors, parts, path)
  return errors.length === 0 ? NO_ERRORS : errors
}

function checkStatus(errors: string[], status: unknown): void {
  if (typeof status !== 'object' || Array.isArray(status)) {
    errors.push(`status: must be an object, not ${shown(status)}`)
    return
  }
  const { conditions } = status as { readonly conditions?: unknown }
  if (conditions !== undefined && conditions !== null && !Array.isArray(conditions)) {
    errors.push(`status.conditions: must be a list, not ${shown(conditions)}`)
  }
}

/** A field without which nothing of the object can be read; `RESOURCES` names the kinds. */
function checkPresence(errors: string[], object: Readonly<Record<string, unknown>>, path: readonly string[]): void {
  let value: unknown = object
  for (const [i, name] of path.entries()) {
    value = (value as Readonly<Record<string, unknown>>)[name]
    if (value !== undefined && value !== null) continue
    errors.push(`${path.slice(0, i + 1).join('.')}: is required`)
    return
  }
}

/** `spec.containers[0].name`: the member `name` of where the walk is. */
function pathOf(name: string | number): string {
  let path = ''
  for (const part of [...walked, name]) {
    if (typeof part === 'number') path += `[${part}]`
    else path += path === '' ? part : `.${part}`
  }
  return path
}

function checkField(errors: string[], name: string | number, field: Field, value: unknown): void {
  if (value === undefined) return
  if (value === null) {
    sawNull = true
    return
  }
  if (typeof field === 'string') {
    if (typeof value === 'string' && (field === 'string' || field === 'integer-or-string')) return
    const type = (field.startsWith('-') || field.startsWith('!') ? field.slice(1) : field) as FieldType
    if (!hasType(type, value)) errors.push(`${pathOf(name)}: must be ${SHOWN[type]}, not ${shown(value)}`)
    return
  }
  if (typeof value !== 'object' || Array.isArray(field) !== Array.isArray(value)) {
    errors.push(`${pathOf(name)}: must be ${Array.isArray(field) ? 'a list' : 'an object'}, not ${shown(value)}`)
    return
  }
  const large = field === POD_SPEC
  if (large && foundRight.has(value)) return
  const before = errors.length
  const earlierNull = sawNull
  sawNull = false
  walked.push(name)
  if (Array.isArray(field)) {
    const items = value as readonly unknown[]
    for (let i = 0; i < items.length; i++) {
      const item = items[i]
      if (item === null || item === undefined) errors.push(`${pathOf(i)}: must not be null`)
      else checkField(errors, i, field[0] as Field, item)
    }
  } else {
    const table = field as FieldTable
    const parts = value as Readonly<Record<string, unknown>>
    for (const part in parts) {
      const inner = table[part]
      if (inner !== undefined) checkField(errors, part, inner, parts[part])
    }
  }
  walked.pop()
  if (large && errors.length === before && !sawNull && Object.isFrozen(value)) foundRight.add(value)
  sawNull ||= earlierNull
}

const withoutNullsFound = new WeakSet<object>()

/** The value without null members, which JSON bodies use for "unset". Shares what has none; frozen parts are looked at once. */
export function withoutNulls<T>(value: T): T {
  if (typeof value !== 'object' || value === null || withoutNullsFound.has(value)) return value
  let result: unknown = value
  if (Array.isArray(value)) {
    const items = value.map(withoutNulls)
    if (items.some((item, i) => item !== value[i])) result = items
  } else {
    const change: Record<string, unknown> = {}
    let changed = false
    for (const key in value) {
      const inner = withoutNulls(value[key])
      if (inner === null || inner !== value[key]) changed = true
      if (inner !== null) change[key] = inner
    }
    if (changed) result = change
  }
  if (result === value && Object.isFrozen(value)) withoutNullsFound.add(value)
  return result as T
}

function hasType(type: FieldType, value: unknown): boolean {
  switch (type) {
    case 'string':
      return typeof value === 'string'
    case 'integer':
      return Number.isInteger(value)
    case 'boolean':
      return typeof value === 'boolean'
    case 'integer-or-string':
      return typeof value === 'string' || Number.isInteger(value)
    case 'strings-by-name':
      return isTableOf(value, (entry) => typeof entry === 'string')
    case 'quantities':
      return isTableOf(value, (entry) => typeof entry === 'string' || typeof entry === 'number')
    case 'anything':
      return true
  }
}

function isTableOf(value: unknown, accepts: (entry: unknown) => boolean): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  for (const key in value) if (!accepts((value as Readonly<Record<string, unknown>>)[key])) return false
  return true
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 40 ? `${text.slice(0, 37)}...` : text
}

/** The kinds that Seatrial serves, for messages: `Deployment (apps/v1)`. */
export function servedKinds(): readonly string[] {
  return Object.values(RESOURCES).map(({ kind, apiVersion }) => `${kind} (${apiVersion})`)
}
