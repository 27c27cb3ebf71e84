/**
 * Which manifests can be simulated, and everything about them that a user must know: mistakes that a real API server would
 * refuse, kinds and fields that are not modelled, selectors that match nothing. Nothing is left out silently.
 */
import {
  type Deployment,
  findUnsupported,
  type KubeObject,
  type Labels,
  labelsInclude,
  type Pod,
  type PodDisruptionBudget,
  RESOURCES,
  resourceOfKind,
  type Service,
  selectorMatches,
  shapeErrors,
  validateCreate,
  withDefaults,
  withoutNulls,
} from '../../objects/index.ts'
import { suggest } from '../../trial/user-error.ts'
import { labelsNobodyHas } from './fit.ts'
import type { Complaint, Manifest } from './load.ts'

export interface Judgement {
  /** What will be applied: defaulted namespaces first of all, then in the order of the files. */
  readonly objects: readonly KubeObject[]
  readonly complaints: readonly Complaint[]
}

/** API groups of Kubernetes itself: a kind that is not known there is a mistake, elsewhere it is somebody's custom resource. */
const BUILT_IN_GROUPS: Readonly<Record<string, readonly string[]>> = {
  '': [
    'ConfigMap',
    'Endpoints',
    'Event',
    'LimitRange',
    'Namespace',
    'Node',
    'PersistentVolume',
    'PersistentVolumeClaim',
    'Pod',
    'PodTemplate',
    'ReplicationController',
    'ResourceQuota',
    'Secret',
    'Service',
    'ServiceAccount',
  ],
  apps: ['ControllerRevision', 'DaemonSet', 'Deployment', 'ReplicaSet', 'StatefulSet'],
  batch: ['CronJob', 'Job'],
  autoscaling: ['HorizontalPodAutoscaler'],
  policy: ['PodDisruptionBudget'],
  'networking.k8s.io': ['Ingress', 'IngressClass', 'NetworkPolicy', 'ServiceCIDR', 'IPAddress'],
  'rbac.authorization.k8s.io': ['ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding'],
  'storage.k8s.io': ['CSIDriver', 'CSINode', 'StorageClass', 'VolumeAttachment'],
  'scheduling.k8s.io': ['PriorityClass'],
  'coordination.k8s.io': ['Lease'],
  'discovery.k8s.io': ['EndpointSlice'],
  'apiextensions.k8s.io': ['CustomResourceDefinition'],
  'admissionregistration.k8s.io': [
    'MutatingWebhookConfiguration',
    'ValidatingAdmissionPolicy',
    'ValidatingAdmissionPolicyBinding',
    'ValidatingWebhookConfiguration',
  ],
}

export function judgeManifests(manifests: readonly Manifest[]): Judgement {
  const complaints: Complaint[] = []
  const kept: { readonly manifest: Manifest; readonly object: KubeObject }[] = []
  const seen = new Map<string, Manifest>()
  for (const manifest of manifests) {
    const object = judgeOne(manifest, complaints)
    if (object === undefined) continue
    const key = `${object.kind}/${object.metadata.namespace ?? ''}/${object.metadata.name}`
    const earlier = seen.get(key)
    if (earlier !== undefined)
      complain(
        complaints,
        'warning',
        manifest,
        'metadata.name',
        `${nameOf(object)} is defined twice; the later one is applied over the earlier one in ${earlier.file}`,
      )
    seen.set(key, manifest)
    kept.push({ manifest, object })
  }
  warnOfEmptySelectors(kept, manifests, complaints)
  complaints.sort((a, b) => (a.file === b.file ? a.line - b.line || a.column - b.column : 0))
  const objects = kept.map(({ object }) => object)
  return {
    objects: [
      ...missingNamespaces(objects),
      ...objects.filter(isNamespace),
      ...objects.filter((object) => !isNamespace(object)),
    ],
    complaints,
  }
}

function judgeOne(manifest: Manifest, complaints: Complaint[]): KubeObject | undefined {
  // A null member means "unset", as it does to the API server.
  const object = withoutNulls(manifest.object)
  const info = resourceOfKind(object.apiVersion, object.kind)
  if (info === undefined) {
    complainOfKind(manifest, complaints)
    return undefined
  }
  const placed = RESOURCES[info.resource].namespaced
    ? { ...object, metadata: { ...object.metadata, namespace: object.metadata.namespace ?? 'default' } }
    : object
  const shape = [...new Set(shapeErrors(info.resource, placed))]
  for (const message of shape) complain(complaints, 'error', manifest, pathIn(message), `${nameOf(object)}: ${message}`)
  if (shape.length > 0) return undefined
  const errors = validateCreate(info.resource, withDefaults(placed as KubeObject))
  for (const { field, message } of errors)
    complain(
      complaints,
      'error',
      manifest,
      field,
      `The ${object.kind} "${object.metadata.name}" is invalid: ${field}: ${message}`,
    )
  for (const { path, kind, message } of findUnsupported(object)) {
    const what = `${nameOf(object)}: ${path} ${message}`
    if (kind === 'no effect')
      complaints.push({
        severity: 'note',
        file: manifest.file,
        ...manifest.locate(path),
        what,
        field: path.replaceAll(/\[\d+\]/g, '[]'),
      })
    else complain(complaints, 'warning', manifest, path, what)
  }
  for (const { path, spec } of podsOf(placed as KubeObject)) {
    const labels = labelsNobodyHas(spec)
    if (labels.length > 0)
      complain(
        complaints,
        'warning',
        manifest,
        path,
        `${nameOf(object)} asks for nodes with ${labels.join(', ')}, which no simulated node has: its pods stay Pending`,
        'nodes here run linux on amd64, are named node-0, node-1, … and lie in zone-0, zone-1 and zone-2',
      )
  }
  return errors.length > 0 ? undefined : placed
}

function complainOfKind(manifest: Manifest, complaints: Complaint[]): void {
  const { apiVersion, kind, metadata } = manifest.object
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : ''
  const known = BUILT_IN_GROUPS[group]
  const served = Object.values(RESOURCES).find((info) => info.kind === kind)
  const noMatch = `no matches for kind "${kind}" in version "${apiVersion}"`
  // A group of Kubernetes itself, or one that only Kubernetes could have had: custom groups are domain names.
  const isOurs = known !== undefined || !group.includes('.')
  if (served !== undefined && isOurs)
    complain(complaints, 'error', manifest, 'apiVersion', noMatch, `use apiVersion: ${served.apiVersion}`)
  else if (isOurs && known?.includes(kind) !== true)
    complain(
      complaints,
      'error',
      manifest,
      'kind',
      noMatch,
      suggest(kind, known ?? Object.values(BUILT_IN_GROUPS).flat()),
    )
  else
    complain(
      complaints,
      'warning',
      manifest,
      'kind',
      `${kind} ${metadata.name} (${apiVersion}) is not simulated yet; it is left out, and what depends on it is not checked`,
    )
}

function podsOf(object: KubeObject): { readonly path: string; readonly spec: Pod['spec'] }[] {
  if (object.kind === 'Pod') return [{ path: 'spec.nodeSelector', spec: (object as Pod).spec }]
  if (object.kind !== 'Deployment' && object.kind !== 'ReplicaSet') return []
  return [{ path: 'spec.template.spec.nodeSelector', spec: (object as Deployment).spec.template.spec }]
}

interface Template {
  readonly namespace: string
  readonly labels: Labels | undefined
}

function warnOfEmptySelectors(
  kept: readonly { readonly manifest: Manifest; readonly object: KubeObject }[],
  all: readonly Manifest[],
  complaints: Complaint[],
): void {
  // Pods of a kind that is left out are somebody's pods all the same; that they are left out has been said.
  const templates = all.flatMap(({ object }) => templateOf(object))
  for (const { manifest, object } of kept) {
    const namespace = object.metadata.namespace ?? 'default'
    const inNamespace = templates.filter((template) => template.namespace === namespace)
    if (object.kind === 'Service') {
      const { selector } = (object as Service).spec
      if (
        selector === undefined ||
        Object.keys(selector).length === 0 ||
        inNamespace.some(({ labels }) => labelsInclude(selector, labels))
      )
        continue
      complain(
        complaints,
        'warning',
        manifest,
        'spec.selector',
        `Service ${object.metadata.name} selects ${textOf(selector)}, which matches no pod template in namespace ${namespace}; it will have no endpoints`,
        nearby(inNamespace),
      )
    } else if (object.kind === 'PodDisruptionBudget') {
      const { selector } = (object as PodDisruptionBudget).spec
      if (selector === undefined || inNamespace.some(({ labels }) => selectorMatches(selector, labels))) continue
      complain(
        complaints,
        'warning',
        manifest,
        'spec.selector',
        `PodDisruptionBudget ${object.metadata.name} matches no pod template in namespace ${namespace}; it protects nothing`,
        nearby(inNamespace),
      )
    }
  }
}

function templateOf(object: KubeObject): Template[] {
  const namespace = object.metadata.namespace ?? 'default'
  if (object.kind === 'Pod') return [{ namespace, labels: (object as Pod).metadata.labels }]
  const template = (object as Partial<Deployment>).spec?.template
  return template === undefined || template === null ? [] : [{ namespace, labels: template.metadata?.labels }]
}

function nearby(templates: readonly Template[]): string {
  if (templates.length === 0) return 'add the workload to the files that are checked'
  return `pods there are labelled ${templates.map(({ labels }) => textOf(labels ?? {})).join(' or ')}`
}

function textOf(labels: Labels): string {
  return (
    Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(',') || 'nothing'
  )
}

function missingNamespaces(objects: readonly KubeObject[]): KubeObject[] {
  const there = new Set([
    'default',
    'kube-system',
    'kube-public',
    'kube-node-lease',
    ...objects.filter(isNamespace).map((object) => object.metadata.name),
  ])
  const wanted = new Set(objects.flatMap((object) => object.metadata.namespace ?? []))
  return [...wanted]
    .filter((name) => !there.has(name))
    .map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }))
}

function isNamespace(object: KubeObject): boolean {
  return object.kind === 'Namespace'
}

function nameOf(object: KubeObject): string {
  return `${object.kind} ${object.metadata.name}`
}

/** The path that a message begins with, if it does. */
function pathIn(message: string): string {
  return /^[A-Za-z][\w.[\]-]*/.exec(message)?.[0] ?? ''
}

function complain(
  complaints: Complaint[],
  severity: Complaint['severity'],
  manifest: Manifest,
  path: string,
  what: string,
  mend?: string,
): void {
  complaints.push({
    severity,
    file: manifest.file,
    ...manifest.locate(path),
    what,
    ...(mend === undefined ? {} : { mend }),
  })
}
