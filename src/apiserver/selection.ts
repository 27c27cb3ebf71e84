/**
 * What a list or a watch selects: a namespace, a name, a node, labels, other fields. Name, node and namespace are pulled out of the field
 * selector because watchers are indexed by them. Models apiserver pkg/storage selection_predicate.go, v1.33.
 */
import {
  type FieldRequirement,
  fieldsMatch,
  type KubeObject,
  type LabelMatcher,
  matcherOfRequirements,
  type Parsed,
  type Pod,
  parseFieldSelector,
  parseLabelSelector,
  type Resource,
} from '../objects/index.ts'

export interface Selection {
  readonly namespace: string | undefined
  readonly name: string | undefined
  readonly nodeName: string | undefined
  readonly labels: LabelMatcher | undefined
  readonly fields: readonly FieldRequirement[] | undefined
  /** Nothing but (perhaps) the namespace is asked for. */
  readonly everything: boolean
}

interface Query {
  readonly resource: Resource
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
}

/** The selection of a query, or what is wrong with its selectors. */
export function selectionOf(query: Query): Parsed<Selection> {
  const namespace = query.namespace || undefined
  let labels: LabelMatcher | undefined
  let fields: FieldRequirement[] | undefined
  let name: string | undefined
  let nodeName: string | undefined
  if (query.labelSelector) {
    const parsed = parseLabelSelector(query.labelSelector)
    if (!parsed.ok) return parsed
    labels = matcherOfRequirements(parsed.value)
  }
  if (query.fieldSelector) {
    const parsed = parseFieldSelector(query.resource, query.fieldSelector)
    if (!parsed.ok) return parsed
    fields = []
    for (const requirement of parsed.value) {
      if (requirement.equal && requirement.field === 'metadata.name' && name === undefined) name = requirement.value
      else if (requirement.equal && requirement.field === 'spec.nodeName' && nodeName === undefined) {
        nodeName = requirement.value
      } else fields.push(requirement)
    }
    if (fields.length === 0) fields = undefined
  }
  const everything = labels === undefined && fields === undefined && name === undefined && nodeName === undefined
  return { ok: true, value: { namespace, name, nodeName, labels, fields, everything } }
}

/** True when the object is selected. */
export function selects(selection: Selection, object: KubeObject): boolean {
  const { metadata } = object
  if (selection.namespace !== undefined && metadata.namespace !== selection.namespace) return false
  if (selection.everything) return true
  if (selection.name !== undefined && metadata.name !== selection.name) return false
  if (selection.nodeName !== undefined && nodeNameOf(object) !== selection.nodeName) return false
  if (selection.labels !== undefined && !selection.labels(metadata.labels)) return false
  return selection.fields === undefined || fieldsMatch(selection.fields, object)
}

/** The node that a pod is bound to, '' when it is not. */
export function nodeNameOf(object: KubeObject): string {
  return (object as Pod).spec.nodeName ?? ''
}
