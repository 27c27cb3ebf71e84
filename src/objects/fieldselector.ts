/**
 * Field selectors of queries: `spec.nodeName=node-1,status.phase!=Running`, over the few fields that each resource offers.
 * Models apimachinery pkg/fields and the field label conversions of kubernetes pkg/apis, v1.33.
 */

import type { CoreEvent, Namespace, Node, Secret } from './kinds.ts'
import type { KubeObject } from './meta.ts'
import type { Pod } from './pod.ts'
import type { Resource } from './resources.ts'
import type { Parsed } from './selector.ts'

export interface FieldRequirement {
  readonly field: string
  readonly equal: boolean
  readonly value: string
  readonly read: FieldReader
}

/** A field's value as text; a missing one reads as ''. */
export type FieldReader = (object: KubeObject) => string

const EVERYWHERE: Readonly<Record<string, FieldReader>> = {
  'metadata.name': (object) => object.metadata.name,
  'metadata.namespace': (object) => object.metadata.namespace ?? '',
}

const OF_RESOURCE: Readonly<Partial<Record<Resource, Readonly<Record<string, FieldReader>>>>> = {
  pods: {
    'spec.nodeName': (object) => (object as Pod).spec.nodeName ?? '',
    'spec.restartPolicy': (object) => (object as Pod).spec.restartPolicy ?? '',
    'spec.schedulerName': (object) => (object as Pod).spec.schedulerName ?? '',
    'spec.serviceAccountName': (object) => (object as Pod).spec.serviceAccountName ?? '',
    'spec.hostNetwork': (object) => String((object as Pod).spec.hostNetwork ?? false),
    'status.phase': (object) => (object as Pod).status?.phase ?? '',
    'status.podIP': (object) => (object as Pod).status?.podIP ?? '',
    'status.nominatedNodeName': (object) => (object as Pod).status?.nominatedNodeName ?? '',
  },
  nodes: { 'spec.unschedulable': (object) => String((object as Node).spec.unschedulable ?? false) },
  namespaces: { 'status.phase': (object) => (object as Namespace).status?.phase ?? '' },
  events: {
    'involvedObject.kind': (object) => (object as CoreEvent).involvedObject.kind,
    'involvedObject.namespace': (object) => (object as CoreEvent).involvedObject.namespace ?? '',
    'involvedObject.name': (object) => (object as CoreEvent).involvedObject.name,
    'involvedObject.uid': (object) => (object as CoreEvent).involvedObject.uid ?? '',
    reason: (object) => (object as CoreEvent).reason,
    source: (object) => (object as CoreEvent).source.component,
    type: (object) => (object as CoreEvent).type,
  },
  secrets: { type: (object) => (object as Secret).type ?? '' },
}

/** How a field of a resource is read, or undefined when the resource has no such selectable field. */
export function fieldReader(resource: Resource, field: string): FieldReader | undefined {
  return EVERYWHERE[field] ?? OF_RESOURCE[resource]?.[field]
}

/** Parses a query's field selector for a resource. Unknown fields are errors, as a real server's are. */
export function parseFieldSelector(resource: Resource, text: string): Parsed<readonly FieldRequirement[]> {
  const requirements: FieldRequirement[] = []
  for (const part of text.split(',')) {
    if (part.trim() === '') continue
    const match = /^\s*([A-Za-z0-9.[\]'/_-]+)\s*(!=|==|=)(.*)$/.exec(part)
    if (match === null) {
      return { ok: false, message: `invalid selector: '${text}'; can't understand '${part.trim()}'` }
    }
    const [, field, sign, value] = match as unknown as [string, string, string, string]
    const read = fieldReader(resource, field)
    if (read === undefined) return { ok: false, message: `field label not supported: ${field}` }
    requirements.push({ field, equal: sign !== '!=', value: value.trim(), read })
  }
  return { ok: true, value: requirements }
}

/** True when the object satisfies every requirement. */
export function fieldsMatch(requirements: readonly FieldRequirement[], object: KubeObject): boolean {
  for (const { read, value, equal } of requirements) if ((read(object) === value) !== equal) return false
  return true
}
