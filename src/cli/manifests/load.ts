/**
 * Kubernetes manifests as people write them: many documents, anchors, Lists. Every complaint carries file, line and column.
 * Nothing is decided here about whether an object is simulated (`judge.ts`).
 */
import { type Document, isCollection, isNode, LineCounter, parseAllDocuments, visit } from 'yaml'
import type { KubeObject } from '../../objects/index.ts'

export interface Complaint {
  /** `error`: cannot be checked. `warning`: checked, but something is left out or looks wrong. `note`: good to know. */
  readonly severity: 'error' | 'warning' | 'note'
  readonly file: string
  readonly line: number
  readonly column: number
  readonly what: string
  readonly mend?: string
  /** Of a note about a field: `spec.template.spec.containers[].env`, the same wherever the field stands. */
  readonly field?: string
}

/** One object of a file, and how to find places in it. */
export interface Manifest {
  readonly file: string
  readonly object: KubeObject
  /** Line and column of a field such as `spec.ports[0].port`, or of the nearest thing around it. */
  locate(path: string): { readonly line: number; readonly column: number }
}

export interface Loaded {
  readonly manifests: readonly Manifest[]
  readonly complaints: readonly Complaint[]
}

/** An alias may stand for at most so many copies in all: a "billion laughs" file is refused, not expanded. */
const ALIASES_MAXIMUM = 1_000
const BYTES_MAXIMUM = 16 * 1024 * 1024
/** A zero byte, or what the decoder puts in place of bytes that are no UTF-8. */
const NOT_TEXT = /[\0\ufffd]/
/** An action of a Go template where YAML would have a value. It may stand in a quoted text or a block all the same. */
const TEMPLATE = /^[ \t]*(?:- +)?(?:[\w./-]+: +)?\{\{-?[^{}]*\}\}/m

/**
 * Reads all documents of one file.
 * @param isNamed - the user named this very file; one that was found in a folder may be something else, such as Helm's values
 */
export function loadManifests(file: string, text: string, isNamed = true): Loaded {
  const complaints: Complaint[] = []
  const manifests: Manifest[] = []
  const refusal = refusalOf(file, text)
  if (refusal !== undefined) return { manifests, complaints: [refusal] }
  const lines = new LineCounter()
  const parsed = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' })
  const documents: readonly Document[] = Array.isArray(parsed) ? parsed : []
  const broken = documents.find((document) => document.errors.length > 0 || keyThatIsNone(document) !== undefined)
  const template = text.search(TEMPLATE)
  if (broken !== undefined && template >= 0) {
    const { line, col } = lines.linePos(template)
    const what = 'this is a template, not a manifest'
    const mend = 'render it first, for example: helm template . > rendered.yaml'
    return { manifests, complaints: [{ severity: 'error', file, line, column: col, what, mend }] }
  }
  for (const document of documents) {
    if (document.errors.length > 0) {
      for (const error of document.errors.slice(0, 3)) {
        const { line, col } = lines.linePos(error.pos[0])
        complaints.push({
          severity: 'error',
          file,
          line,
          column: col,
          what: `not valid YAML: ${firstLine(error.message)}`,
          mend: mendOf(error.code),
        })
      }
      continue
    }
    const { line, col } = lines.linePos(document.contents?.range?.[0] ?? 0)
    const oddKey = keyThatIsNone(document)
    if (oddKey !== undefined) {
      const at = lines.linePos(oddKey)
      complaints.push({
        severity: 'error',
        file,
        line: at.line,
        column: at.col,
        what: 'the key of a member is itself an object or a list',
        mend: 'put the braces or brackets in quotes',
      })
      continue
    }
    let value: unknown
    try {
      value = document.toJS({ maxAliasCount: ALIASES_MAXIMUM })
    } catch (error) {
      const what = `the aliases of this document cannot be expanded: ${firstLine((error as Error).message)}`
      complaints.push({
        severity: 'error',
        file,
        line,
        column: col,
        what,
        mend: 'write the values out instead of referring to them again and again',
      })
      continue
    }
    if (value === null || value === undefined) continue
    collect(value, [], { file, isNamed, document, lines, at: { line, column: col } }, manifests, complaints)
  }
  if (manifests.length === 0 && complaints.length === 0)
    complaints.push({ severity: 'warning', file, line: 1, column: 1, what: 'there is no object in this file' })
  return { manifests, complaints }
}

/** Where a key stands that is an object or a list: YAML allows it, no manifest means it. */
function keyThatIsNone(document: Document): number | undefined {
  let found: number | undefined
  visit(document, {
    Pair(_, { key }) {
      if (!isCollection(key)) return undefined
      found = key.range?.[0] ?? 0
      return visit.BREAK
    },
  })
  return found
}

/** Why a text cannot be read as manifests at all, if so. */
function refusalOf(file: string, text: string): Complaint | undefined {
  const refuse = (index: number, what: string, mend: string): Complaint => {
    const before = text.slice(0, index).split('\n')
    return { severity: 'error', file, line: before.length, column: (before.at(-1)?.length ?? 0) + 1, what, mend }
  }
  if (text.length > BYTES_MAXIMUM) return refuse(0, 'the file is larger than 16 MiB', 'split it')
  const binary = text.search(NOT_TEXT)
  if (binary >= 0) return refuse(binary, 'this is not a text file', 'name YAML or JSON files')
  return undefined
}

interface Source {
  readonly file: string
  readonly isNamed: boolean
  readonly document: Document
  readonly lines: LineCounter
  readonly at: { readonly line: number; readonly column: number }
}

interface Raw {
  readonly apiVersion?: unknown
  readonly kind?: unknown
  readonly metadata?: unknown
  readonly items?: unknown
}

/** kustomize itself does not ask for the apiVersion. */
function isKustomize({ apiVersion, kind }: Raw): boolean {
  if (apiVersion === undefined) return kind === 'Kustomization' || kind === 'Component'
  return typeof apiVersion === 'string' && apiVersion.startsWith('kustomize.config.k8s.io/')
}

function collect(
  value: unknown,
  base: readonly (string | number)[],
  source: Source,
  manifests: Manifest[],
  complaints: Complaint[],
): void {
  const { file } = source
  const place = positionOf(source, base)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    complaints.push({
      severity: 'error',
      file,
      ...place,
      what: 'a manifest is an object with apiVersion, kind and metadata',
      mend: 'see https://kubernetes.io/docs/concepts/overview/working-with-objects/',
    })
    return
  }
  const object = value as Raw
  if (object.kind === 'List' && Array.isArray(object.items)) {
    for (const [index, item] of object.items.entries())
      collect(item, [...base, 'items', index], source, manifests, complaints)
    return
  }
  if (typeof object.kind === 'string' && isKustomize(object)) {
    complaints.push({
      severity: 'warning',
      file,
      ...place,
      what: `${object.kind} is for kustomize and is passed over`,
      mend: 'to check what it makes: kubectl kustomize . > rendered.yaml',
    })
    return
  }
  if (!source.isNamed && object.apiVersion === undefined && object.kind === undefined) {
    complaints.push({
      severity: 'warning',
      file,
      ...place,
      what: 'no Kubernetes object (it has neither apiVersion nor kind); it is passed over',
      ...(Array.isArray((value as { readonly resources?: unknown }).resources)
        ? { mend: 'to check what a kustomization makes: kubectl kustomize . > rendered.yaml' }
        : {}),
    })
    return
  }
  for (const member of ['apiVersion', 'kind'] as const) {
    if (typeof object[member] === 'string' && object[member] !== '') continue
    complaints.push({
      severity: 'error',
      file,
      ...place,
      what: `${member} is not set`,
      mend: `add ${member}, for example ${member === 'kind' ? 'kind: Deployment' : 'apiVersion: apps/v1'}`,
    })
    return
  }
  const metadata = object.metadata as { readonly name?: unknown } | undefined
  if (typeof metadata !== 'object' || metadata === null || typeof metadata.name !== 'string') {
    complaints.push({
      severity: 'error',
      file,
      ...place,
      what: `${String(object.kind)}: metadata.name: Required value`,
      mend: 'give the object a name',
    })
    return
  }
  manifests.push({
    file,
    object: value as KubeObject,
    locate: (path) => positionOf(source, [...base, ...keysOf(path)]),
  })
}

/** `spec.containers[0].ports[1]` as keys. */
function keysOf(path: string): (string | number)[] {
  return [...path.matchAll(/\[(\d+)\]|\[([^\]]+)\]|([^.[\]]+)/g)].map(([, index, quoted, name]) =>
    index === undefined ? (quoted ?? name ?? '') : Number(index),
  )
}

function positionOf(
  source: Source,
  keys: readonly (string | number)[],
): { readonly line: number; readonly column: number } {
  for (let length = keys.length; length > 0; length--) {
    const parent = length === 1 ? source.document.contents : source.document.getIn(keys.slice(0, length - 1), true)
    const node = isCollection(parent) ? keyOrValue(parent, keys[length - 1]!) : undefined
    if (node === undefined) continue
    const { line, col } = source.lines.linePos(node)
    return { line, column: col }
  }
  return source.at
}

/** Offset of a member's key, or of a list's item. */
function keyOrValue(
  parent: { readonly items: readonly unknown[]; get(key: unknown, keep?: boolean): unknown },
  key: string | number,
): number | undefined {
  for (const item of parent.items) {
    const pair = item as { readonly key?: { readonly value?: unknown; readonly range?: readonly number[] | null } }
    if (typeof key === 'string' && pair.key?.value === key) return pair.key.range?.[0]
  }
  const value = parent.get(key, true)
  return isNode(value) ? value.range?.[0] : undefined
}

function mendOf(code: string): string {
  switch (code) {
    case 'BAD_INDENT':
    case 'TAB_AS_INDENT':
      return 'indent with spaces, members of one object all to the same column'
    case 'DUPLICATE_KEY':
      return 'keep one of the two'
    case 'MISSING_CHAR':
      return 'close the quote or bracket'
    default:
      return 'correct the YAML at that place'
  }
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? text
}
