/**
 * What of a manifest Seatrial does not model, by path: kinds it does not serve, fields that would change behaviour in a real cluster, fields that are
 * accepted without effect, and names that it does not know (mostly misspelt ones). Nothing is ignored silently.
 */

import { resourceOfKind } from './resources.ts'
import { METADATA, SCHEMAS } from './schema.ts'
import type { Field, FieldTable } from './schema-field.ts'
import { servedKinds } from './shape.ts'

export interface UnsupportedField {
  /** `spec.template.spec.volumes`; '' for the object itself. */
  readonly path: string
  /** `unsupported`: would change behaviour. `no effect`: accepted, changes nothing here. `unknown`: no such field that we know of. */
  readonly kind: 'unsupported' | 'no effect' | 'unknown'
  readonly message: string
}

const TOP: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata', 'status'])
const MODELLED_RESOURCES: ReadonlySet<string> = new Set(['cpu', 'memory'])

/** Walks a manifest as it was read and reports what is not modelled, in the order in which it is written. */
export function findUnsupported(manifest: unknown): readonly UnsupportedField[] {
  if (typeof manifest !== 'object' || manifest === null || Array.isArray(manifest)) {
    return [{ path: '', kind: 'unsupported', message: 'a manifest is an object with apiVersion, kind and metadata' }]
  }
  const object = manifest as Readonly<Record<string, unknown>>
  const { apiVersion, kind } = object
  const info = resourceOfKind(String(apiVersion), String(kind))
  if (info === undefined) {
    const message = `${String(kind)} (${String(apiVersion)}) is not simulated; simulated are ${servedKinds().join(', ')}`
    return [{ path: '', kind: 'unsupported', message }]
  }
  const found: UnsupportedField[] = []
  walk(found, 'metadata', METADATA, object.metadata)
  const schema = SCHEMAS[info.resource]
  for (const name of Object.keys(object)) {
    if (TOP.has(name)) continue
    const field = schema[name]
    if (field === undefined) found.push(unknown(name, name, schema))
    else walk(found, name, field, object[name])
  }
  return found
}

function walk(found: UnsupportedField[], path: string, field: Field, value: unknown): void {
  if (value === undefined || value === null) return
  if (typeof field === 'string') {
    if (field.startsWith('!'))
      found.push({ path, kind: 'unsupported', message: 'is not modelled; a real cluster may behave differently' })
    else if (field.startsWith('-'))
      found.push({ path, kind: 'no effect', message: 'is accepted and changes nothing in the simulation' })
    if (field.endsWith('quantities') && !field.startsWith('-')) reportResources(found, path, value)
    return
  }
  if (Array.isArray(field)) {
    const inner = field[0] as Field
    if (typeof inner === 'string') walk(found, path, inner, value)
    else if (Array.isArray(value)) for (const [i, item] of value.entries()) walk(found, `${path}[${i}]`, inner, item)
    return
  }
  if (typeof value !== 'object' || Array.isArray(value)) return
  const table = field as FieldTable
  for (const [name, child] of Object.entries(value)) {
    const inner = table[name]
    if (inner === undefined) found.push(unknown(`${path}.${name}`, name, table))
    else walk(found, `${path}.${name}`, inner, child)
  }
}

function reportResources(found: UnsupportedField[], path: string, value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  for (const name of Object.keys(value)) {
    if (MODELLED_RESOURCES.has(name)) continue
    found.push({ path: `${path}.${name}`, kind: 'unsupported', message: 'only cpu and memory are modelled' })
  }
}

function unknown(path: string, name: string, table: FieldTable): UnsupportedField {
  const near = nearest(name, Object.keys(table))
  const message = near === undefined ? 'is not known to Seatrial' : `is not known to Seatrial; did you mean ${near}?`
  return { path, kind: 'unknown', message }
}

/** The candidate that is at most two edits away and nearest, if any. */
function nearest(name: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined
  let least = 3
  for (const candidate of candidates) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase())
    if (distance < least) {
      least = distance
      best = candidate
    }
  }
  return best
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(change, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[b.length] as number
}
