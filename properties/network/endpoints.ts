/** A pod that is not ready is not a ready endpoint for longer than the news takes. */
import type { Cluster } from '../../src/cluster/index.ts'
import { type EndpointSlice, isPodReady, keyOf } from '../../src/objects/index.ts'
import type { PropertyDefinition } from '../../src/trial/registry.ts'
import { afterwards, CONTROLLER_LEASE, seconds } from '../define.ts'

/** Watch, a queue with back-off up to a second, and a write. */
const BOUND_MICROS = 6_000_000

export const onlyReadyEndpoints: PropertyDefinition = {
  id: 'endpoints-only-ready-pods',
  mode: 'always',
  claim:
    'no service lists a ready endpoint for a pod that has not been ready (or has been leaving) for longer than the propagation bound',
  source: 'kubernetes pkg/controller/endpointslice, v1.33; documentation "Service": endpoints follow readiness',
  trigger: 'a listed pod stopped being ready',
  catches: ['planted-lasting-endpoints'],
  monitor(cluster, report) {
    /** Addresses of pods that are listed as ready and should not be, by uid, since when. */
    const since = new Map<string, number>()
    const listed = new Map<string, Set<string>>()
    const check = (uid: string, key: string) => {
      const at = since.get(uid)
      if (at === undefined || cluster.kernel.now - at < BOUND_MICROS || cluster.calm.disturbedSince(at - BOUND_MICROS))
        return
      for (const [slice, uids] of listed) {
        if (!uids.has(uid)) continue
        report.fail({
          subject: key,
          shape: 'unready-endpoint',
          message: `${slice} still lists ${key} as a ready endpoint ${seconds(cluster.kernel.now - at)} after it stopped being ready`,
        })
        return
      }
    }
    cluster.truth.onChange('endpointslices', ({ key, current }) => {
      if (current === undefined) listed.delete(key)
      else listed.set(key, readyUids(cluster, current))
    })
    cluster.truth.onChange('pods', ({ key, previous, current }) => {
      const uid = (current ?? previous)?.metadata.uid ?? ''
      const ready = current !== undefined && current.metadata.deletionTimestamp === undefined && isPodReady(current)
      if (ready) {
        since.delete(uid)
        return
      }
      if (since.has(uid)) return
      let isListed = false
      for (const uids of listed.values()) if (uids.has(uid)) isListed = true
      if (!isListed) return
      report.reached()
      since.set(uid, cluster.kernel.now)
      afterwards(cluster, BOUND_MICROS, () => check(uid, key))
    })
    return {}
  },
}

function readyUids(cluster: Cluster, slice: EndpointSlice): Set<string> {
  const uids = new Set<string>()
  const service = cluster.truth.get(
    'services',
    `${slice.metadata.namespace}/${slice.metadata.labels?.['kubernetes.io/service-name']}`,
  )
  if (service?.spec.publishNotReadyAddresses === true) return uids
  for (const endpoint of slice.endpoints) {
    if (endpoint.conditions?.ready !== false && endpoint.targetRef?.uid !== undefined) uids.add(endpoint.targetRef.uid)
  }
  return uids
}

/** Fewer than one slice holds: there is no reason to have an address in two, not even while endpoints are moved. */
const ONE_SLICE = 100

export const noDuplicateEndpoints: PropertyDefinition = {
  id: 'endpoint-in-one-slice',
  mode: 'always',
  claim:
    'each endpoint of a service (a pod at an address) is in one of its slices only for each port set: once the cluster is quiet, and for a service that one slice can hold also before, while one controller manager leads undisturbed',
  source: 'kubernetes staging/src/k8s.io/endpointslice, v1.33; kubernetes#93374',
  trigger: 'a slice was written under an undisturbed leader, or the trial ended with endpoint slices',
  catches: ['endpointslice-duplicates-on-stale-cache'],
  monitor(cluster, report) {
    const slicesByService = new Map<string, Map<string, EndpointSlice>>()
    const check = (service: string, slices: Iterable<EndpointSlice>) => {
      report.reached()
      const twice = firstTwice(slices)
      if (twice !== undefined) report.fail({ subject: service, shape: 'duplicate-endpoint', message: twice })
    }
    cluster.truth.onChange('endpointslices', ({ key, previous, current }) => {
      const { namespace, labels } = (current ?? previous)?.metadata ?? {}
      const service = `${namespace}/${labels?.['kubernetes.io/service-name']}`
      const slices = slicesByService.get(service) ?? new Map<string, EndpointSlice>()
      slicesByService.set(service, slices)
      if (current === undefined) slices.delete(key)
      else slices.set(key, current)
      if (current === undefined || !cluster.calm.leaderSteady(CONTROLLER_LEASE)) return
      // Slices of an earlier service of that name are deleted after the new one's are created.
      const owned = [...slices.values()].filter((slice) => ownerOf(slice) === ownerOf(current))
      let endpoints = 0
      for (const slice of owned) endpoints += slice.endpoints.length
      if (endpoints < ONE_SLICE) check(service, owned)
    })
    return {
      onEnd() {
        for (const [service, slices] of slicesByService) if (slices.size > 0) check(service, slices.values())
      },
    }
  },
}

function ownerOf(slice: EndpointSlice): string | undefined {
  return slice.metadata.ownerReferences?.find((owner) => owner.controller === true)?.uid
}

/**
 * Says which endpoint stands in two of the slices for the same ports, if one does. Two pods may claim one address for a while:
 * after a node lost power one of them still has the address of before in its status.
 */
function firstTwice(slices: Iterable<EndpointSlice>): string | undefined {
  const seen = new Map<string, string>()
  for (const slice of slices) {
    const ports = (slice.ports ?? []).map((port) => `${port.name}:${port.port}`).join(',')
    for (const endpoint of slice.endpoints) {
      for (const address of endpoint.addresses) {
        const identity = `${ports} ${address} ${endpoint.targetRef?.uid}`
        const other = seen.get(identity)
        if (other !== undefined) return `${address} stands in ${other} and in ${keyOf(slice)}`
        seen.set(identity, keyOf(slice))
      }
    }
  }
  return undefined
}
