/**
 * What must change in a service's slices. Models k8s.io/endpointslice reconciler.go reconcileByAddressType and
 * reconcileByPortMapping, v1.33: few changed slices matter more than well packed ones. Invariant: no slice above the
 * maximum, no endpoint twice.
 */
import { invariant } from '../../kernel/index.ts'
import { type Endpoint, type EndpointSlice, type Labels, type Service, sameValue } from '../../objects/index.ts'
import { controllerReference } from '../owners.ts'
import { type EndpointPorts, endpointKey, portsKey, sameBeyondKey } from './endpoints.ts'

export const SERVICE_NAME_LABEL = 'kubernetes.io/service-name'
export const MANAGED_BY_LABEL = 'endpointslice.kubernetes.io/managed-by'
export const MANAGED_BY = 'endpointslice-controller.k8s.io'
const HEADLESS_LABEL = 'service.kubernetes.io/headless'
const NO_PORTS: EndpointPorts = Object.freeze([])

/** Endpoints that share one list of ports. */
export interface DesiredGroup {
  readonly ports: EndpointPorts
  readonly endpoints: readonly Endpoint[]
}

export interface SliceChanges {
  readonly create: readonly EndpointSlice[]
  readonly update: readonly EndpointSlice[]
  readonly remove: readonly EndpointSlice[]
}

/** The writes that turn `existing` (slices of this service, none being deleted) into the desired groups. */
export function computeSliceChanges(
  service: Service,
  groups: readonly DesiredGroup[],
  existing: readonly EndpointSlice[],
  maxEndpointsPerSlice: number,
): SliceChanges {
  const labels = sliceLabels(service)
  const create: EndpointSlice[] = []
  const update: EndpointSlice[] = []
  const remove: EndpointSlice[] = []
  const byPorts = new Map<string, EndpointSlice[]>()
  for (const slice of existing) {
    if (!ownedBy(slice, service)) {
      remove.push(slice)
      continue
    }
    const key = portsKey(slice.ports)
    const list = byPorts.get(key)
    if (list === undefined) byPorts.set(key, [slice])
    else list.push(slice)
  }
  for (const group of groups) {
    const key = portsKey(group.ports)
    const plan = new GroupPlan(service, labels, group, byPorts.get(key) ?? [], maxEndpointsPerSlice)
    byPorts.delete(key)
    create.push(...plan.create)
    update.push(...plan.update)
    remove.push(...plan.remove)
  }
  for (const slices of byPorts.values()) remove.push(...slices)
  addPlaceholder(service, labels, existing, create, remove)
  return reuseDeleted(service, create, update, remove)
}

/** The slices of one list of ports: what stays, what changes, what is new. */
class GroupPlan {
  readonly create: EndpointSlice[] = []
  readonly update: EndpointSlice[] = []
  readonly remove: EndpointSlice[] = []

  constructor(service: Service, labels: Labels, group: DesiredGroup, existing: readonly EndpointSlice[], max: number) {
    const missing = new Map<string, Endpoint>()
    for (const endpoint of group.endpoints) missing.set(endpointKey(endpoint), endpoint)
    const changed: { slice: EndpointSlice; endpoints: Endpoint[] }[] = []
    const unchanged: EndpointSlice[] = []
    for (const slice of existing) {
      const kept: Endpoint[] = []
      let differs = false
      for (const endpoint of slice.endpoints) {
        const key = endpointKey(endpoint)
        const wanted = missing.get(key)
        if (wanted === undefined) continue
        missing.delete(key)
        const same = sameBeyondKey(endpoint, wanted)
        if (!same) differs = true
        kept.push(same ? endpoint : wanted)
      }
      if (kept.length === 0) this.remove.push(slice)
      else if (differs || kept.length !== slice.endpoints.length) changed.push({ slice, endpoints: kept })
      else if (!sameValue(slice.metadata.labels, labels)) changed.push({ slice, endpoints: kept })
      else unchanged.push(slice)
    }
    const rest = [...missing.values()]
    let taken = 0
    changed.sort((a, b) => b.slice.endpoints.length - a.slice.endpoints.length)
    for (const { endpoints } of changed)
      while (taken < rest.length && endpoints.length < max) endpoints.push(rest[taken++] as Endpoint)
    while (taken < rest.length) {
      const left = rest.length - taken
      const fitting = left < max ? closestFit(unchanged, left, max) : undefined
      const endpoints = fitting === undefined ? [] : [...fitting.endpoints]
      while (taken < rest.length && endpoints.length < max) endpoints.push(rest[taken++] as Endpoint)
      if (fitting === undefined) this.create.push(newSlice(service, labels, group.ports, endpoints))
      else {
        unchanged.splice(unchanged.indexOf(fitting), 1)
        changed.push({ slice: fitting, endpoints })
      }
    }
    for (const { slice, endpoints } of changed)
      this.update.push(withEndpoints(slice, labels, endpoints, slice.ports ?? NO_PORTS))
    for (const slice of this.update) {
      invariant(slice.endpoints.length <= max, 'controllers: no slice holds more than the maximum', {
        slice: slice.metadata.name,
      })
    }
  }
}

/** The unchanged slice that comes closest to full when `count` endpoints are added. */
function closestFit(slices: readonly EndpointSlice[], count: number, max: number): EndpointSlice | undefined {
  let best: EndpointSlice | undefined
  let bestLeft = max
  for (const slice of slices) {
    const left = max - (count + slice.endpoints.length)
    if (left >= 0 && left < bestLeft) {
      bestLeft = left
      best = slice
    }
  }
  return best
}

/** A service with no endpoints keeps one empty slice, so that readers can tell "none" from "not yet known". */
function addPlaceholder(
  service: Service,
  labels: Labels,
  existing: readonly EndpointSlice[],
  create: EndpointSlice[],
  remove: EndpointSlice[],
): void {
  if (existing.length !== remove.length || create.length > 0) return
  const only = remove.length === 1 ? (remove[0] as EndpointSlice) : undefined
  const isPlaceholder =
    only !== undefined &&
    ownedBy(only, service) &&
    only.endpoints.length === 0 &&
    (only.ports?.length ?? 0) === 0 &&
    sameValue(only.metadata.labels, labels)
  if (isPlaceholder) remove.length = 0
  else create.push(newSlice(service, labels, NO_PORTS, []))
}

/** A slice to create takes the place of one to delete: one write instead of two, and no moment without either. */
function reuseDeleted(
  service: Service,
  create: EndpointSlice[],
  update: EndpointSlice[],
  remove: EndpointSlice[],
): SliceChanges {
  const gone: EndpointSlice[] = []
  for (const slice of remove) {
    const replacement = ownedBy(slice, service) ? create.pop() : undefined
    if (replacement === undefined) gone.push(slice)
    else
      update.push(
        withEndpoints(
          slice,
          replacement.metadata.labels as Labels,
          replacement.endpoints,
          replacement.ports ?? NO_PORTS,
        ),
      )
  }
  return { create, update, remove: gone }
}

function newSlice(
  service: Service,
  labels: Labels,
  ports: EndpointPorts,
  endpoints: readonly Endpoint[],
): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: '',
      generateName: `${service.metadata.name}-`,
      namespace: service.metadata.namespace,
      labels,
      ownerReferences: [controllerReference(service)],
    },
    addressType: 'IPv4',
    endpoints,
    ports,
  }
}

function withEndpoints(
  slice: EndpointSlice,
  labels: Labels,
  endpoints: readonly Endpoint[],
  ports: EndpointPorts,
): EndpointSlice {
  const metadata = sameValue(slice.metadata.labels, labels) ? slice.metadata : { ...slice.metadata, labels }
  return { ...slice, metadata, endpoints, ports }
}

function ownedBy(slice: EndpointSlice, service: Service): boolean {
  for (const reference of slice.metadata.ownerReferences ?? []) {
    if (reference.uid === service.metadata.uid && reference.kind === 'Service') return true
  }
  return false
}

/** The service's own labels and the reserved ones. */
export function sliceLabels(service: Service): Labels {
  const labels: Record<string, string> = { ...service.metadata.labels }
  delete labels[HEADLESS_LABEL]
  const { clusterIP } = service.spec
  if (clusterIP === undefined || clusterIP === '' || clusterIP === 'None') labels[HEADLESS_LABEL] = ''
  labels[SERVICE_NAME_LABEL] = service.metadata.name
  labels[MANAGED_BY_LABEL] = MANAGED_BY
  return labels
}
