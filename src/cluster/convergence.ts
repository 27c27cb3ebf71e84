/**
 * Has the cluster reached what its objects ask for? A list of what is still missing, straight from the stored objects and
 * the nodes' own state: empty means converged. This is the goal of "eventually stable reconciliation" (Anvil's ESR), not a
 * model of any controller: it asks only for the end state.
 */
import type { Informer } from '../client/index.ts'
import {
  type Deployment,
  type EndpointSlice,
  isPodReady,
  isPodTerminal,
  type KubeObject,
  keyOf,
  type Pod,
  type ReplicaSet,
  scaledCount,
} from '../objects/index.ts'
import type { Truth } from './truth.ts'

/**
 * Names, in words, everything that is not yet as the objects ask. Costs O(objects); meant for about once a virtual second.
 * What a node that is lost for good must come to: it is not Ready, and its pods are being deleted (they never end: nobody can
 * tell their containers).
 */
export function unconverged(truth: Truth, isLost: (node: string) => boolean = () => false): string[] {
  const missing: string[] = []
  for (const node of truth.list('nodes')) {
    const ready = node.status?.conditions?.find((condition) => condition.type === 'Ready')
    const { name } = node.metadata
    if (isLost(name)) {
      if (ready?.status === 'True') missing.push(`node ${name} is lost and still called Ready`)
    } else if (ready?.status !== 'True') missing.push(`node ${name} is not Ready`)
  }
  for (const namespace of truth.list('namespaces')) {
    if (namespace.metadata.deletionTimestamp !== undefined)
      missing.push(`namespace ${namespace.metadata.name} is still terminating`)
  }
  const pods = [...truth.list('pods')]
  for (const pod of pods) {
    const isDeleted = pod.metadata.deletionTimestamp !== undefined
    if (isLost(pod.spec.nodeName ?? '')) {
      if (!isDeleted && !isPodTerminal(pod))
        missing.push(`pod ${keyOf(pod)} is left on ${pod.spec.nodeName}, which is lost`)
    } else if (isDeleted) missing.push(`pod ${keyOf(pod)} is still terminating`)
  }
  const podsByOwner = groupByController(pods)
  const setsByOwner = groupByController([...truth.list('replicasets')])
  for (const set of truth.list('replicasets'))
    replicaSetGaps(set, podsByOwner.get(set.metadata.uid ?? '') ?? [], missing)
  for (const deployment of truth.list('deployments')) {
    deploymentGaps(deployment, setsByOwner.get(deployment.metadata.uid ?? '') ?? [], missing)
  }
  endpointGaps(truth, pods, missing)
  return missing
}

function groupByController<T extends Pod | ReplicaSet>(objects: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const object of objects) {
    const owner = object.metadata.ownerReferences?.find((reference) => reference.controller === true)
    if (owner === undefined) continue
    const group = groups.get(owner.uid)
    if (group === undefined) groups.set(owner.uid, [object])
    else group.push(object)
  }
  return groups
}

function replicaSetGaps(set: ReplicaSet, owned: readonly Pod[], missing: string[]): void {
  if (set.metadata.deletionTimestamp !== undefined) {
    missing.push(`replicaset ${keyOf(set)} is still being deleted`)
    return
  }
  const wanted = set.spec.replicas ?? 1
  const active = owned.filter((pod) => pod.metadata.deletionTimestamp === undefined && !isPodTerminal(pod))
  const ready = active.filter(isPodReady)
  if (active.length !== wanted) missing.push(`replicaset ${keyOf(set)} has ${active.length} pods, wants ${wanted}`)
  else if (ready.length !== wanted)
    missing.push(
      `replicaset ${keyOf(set)} has ${ready.length} of ${wanted} pods ready${whyNot(active.find((pod) => !isPodReady(pod)))}`,
    )
  if ((set.status?.readyReplicas ?? 0) !== ready.length) missing.push(`replicaset ${keyOf(set)} reports a stale status`)
}

/** What a pod that is not ready waits for, as kubectl get would show it. */
function whyNot(pod: Pod | undefined): string {
  if (pod === undefined) return ''
  const { phase = 'Pending', containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {}
  const waiting = [...initContainerStatuses, ...containerStatuses].find(({ state }) => state.waiting !== undefined)
  const state =
    pod.spec.nodeName === undefined ? 'is bound to no node' : `is ${waiting?.state.waiting?.reason ?? phase}`
  return `: ${pod.metadata.name} ${state}`
}

function deploymentGaps(deployment: Deployment, sets: readonly ReplicaSet[], missing: string[]): void {
  const name = `deployment ${keyOf(deployment)}`
  if (deployment.metadata.deletionTimestamp !== undefined) {
    missing.push(`${name} is still being deleted`)
    return
  }
  if ((deployment.status?.observedGeneration ?? 0) < (deployment.metadata.generation ?? 1)) {
    missing.push(`${name}: generation ${deployment.metadata.generation} has not been observed`)
    return
  }
  const wanted = deployment.spec.replicas ?? 1
  const total = sets.reduce((sum, set) => sum + (set.spec.replicas ?? 1), 0)
  const most = wanted + heldSurge(deployment, sets)
  if (total < wanted || total > most)
    missing.push(`${name}: its replica sets want ${total} pods together, it wants ${wanted}`)
  if (deployment.spec.paused === true) return
  if ((deployment.status?.updatedReplicas ?? 0) !== wanted)
    missing.push(`${name}: ${deployment.status?.updatedReplicas ?? 0} of ${wanted} pods are of the newest template`)
  if ((deployment.status?.availableReplicas ?? 0) !== wanted)
    missing.push(`${name}: ${deployment.status?.availableReplicas ?? 0} of ${wanted} pods are available`)
}

/**
 * A rollout that was paused half-way stays there, with pods of both templates and its surge (upstream deployment sync.go,
 * scale: several active sets of a paused deployment are sized to replicas + maxSurge together). Otherwise 0.
 */
function heldSurge(deployment: Deployment, sets: readonly ReplicaSet[]): number {
  const { paused, strategy, replicas = 1 } = deployment.spec
  if (paused !== true || replicas === 0 || strategy?.type === 'Recreate') return 0
  if (sets.filter((set) => (set.spec.replicas ?? 1) > 0).length < 2) return 0
  return scaledCount(strategy?.rollingUpdate?.maxSurge ?? '25%', replicas, 'up')
}

/** Each service's ready endpoints are exactly the addresses of its ready pods. */
function endpointGaps(truth: Truth, pods: readonly Pod[], missing: string[]): void {
  const slicesByService = new Map<string, EndpointSlice[]>()
  for (const slice of truth.list('endpointslices')) {
    const key = `${slice.metadata.namespace}/${slice.metadata.labels?.['kubernetes.io/service-name'] ?? ''}`
    const slices = slicesByService.get(key)
    if (slices === undefined) slicesByService.set(key, [slice])
    else slices.push(slice)
  }
  for (const service of truth.list('services')) {
    const selector = service.spec.selector
    if (selector === undefined || service.metadata.deletionTimestamp !== undefined) continue
    const labels = Object.entries(selector)
    const wanted = new Set<string>()
    for (const pod of pods) {
      if (pod.metadata.namespace !== service.metadata.namespace || pod.status?.podIP === undefined) continue
      if (pod.metadata.deletionTimestamp !== undefined || isPodTerminal(pod)) continue
      if (!isPodReady(pod) && service.spec.publishNotReadyAddresses !== true) continue
      if (labels.every(([key, value]) => pod.metadata.labels?.[key] === value)) wanted.add(pod.status.podIP)
    }
    const listed = new Set<string>()
    for (const slice of slicesByService.get(keyOf(service)) ?? []) {
      for (const endpoint of slice.endpoints) {
        if (endpoint.conditions?.ready !== false) for (const address of endpoint.addresses) listed.add(address)
      }
    }
    for (const address of wanted)
      if (!listed.has(address)) missing.push(`service ${keyOf(service)} lacks the ready endpoint ${address}`)
    for (const address of listed)
      if (!wanted.has(address)) missing.push(`service ${keyOf(service)} still lists ${address}`)
  }
}

/**
 * Names, in words, every informer of a whole resource that does not hold exactly the stored objects, in their stored versions
 * (but for leases, which change all the time).
 */
export function staleInformers(
  truth: Truth,
  informers: Iterable<{ readonly process: string; readonly informer: Informer<KubeObject> }>,
): string[] {
  const stale: string[] = []
  for (const { process, informer } of informers) {
    if (informer.isSelective) continue
    const { resource } = informer
    if (!informer.hasSynced()) {
      stale.push(`${process} has not listed ${resource} yet`)
      continue
    }
    if (informer.size !== truth.count(resource))
      stale.push(`${process} holds ${informer.size} ${resource}, ${truth.count(resource)} are stored`)
    for (const object of informer.list()) {
      const key = keyOf(object)
      const { uid, resourceVersion } = object.metadata
      const revision = truth.revisionOf(resource, key)
      if (truth.get(resource, key)?.metadata.uid !== uid)
        stale.push(`${process} holds ${resource} ${key}, which is not stored`)
      else if (resource !== 'leases' && Number(resourceVersion) !== revision)
        stale.push(`${process} holds version ${resourceVersion} of ${resource} ${key}, version ${revision} is stored`)
    }
  }
  return stale
}
