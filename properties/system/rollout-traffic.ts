/**
 * What clients see of a rollout. With a preStop hook that outlasts propagation no request is lost; without one some are, and
 * that must be seen, or the model is too kind.
 */
import type { Cluster, RequestFinished } from '../../src/cluster/index.ts'
import type { Micros } from '../../src/kernel/index.ts'
import type { Pod } from '../../src/objects/index.ts'
import type { PropertyDefinition } from '../../src/trial/registry.ts'

/** From "this pod is leaving" to the last node's rules, with an undisturbed control plane: API writes, watches, the proxy's sync period. */
const PROPAGATION_MICROS: Micros = 4_000_000
/** Failures this long after a container was stopped are put down to the stop. */
const SHADOW_MICROS: Micros = 40_000_000

interface Leaving {
  readonly at: Micros
  readonly hookMicros: Micros
}

/** Calls `lost` for each failed request to a backend whose pod was being deleted. */
function followLostRequests(
  cluster: Cluster,
  relevant: () => void,
  lost: (request: RequestFinished, leaving: Leaving) => void,
): void {
  const leavingByAddress = new Map<string, Leaving>()
  cluster.truth.onChange('pods', ({ previous, current }) => {
    if (current?.status?.podIP === undefined || current.metadata.deletionTimestamp === undefined) return
    if (previous?.metadata.deletionTimestamp !== undefined) return
    if (current.metadata.deletionGracePeriodSeconds === 0) return
    leavingByAddress.set(current.status.podIP, { at: cluster.kernel.now, hookMicros: hookMicros(current) })
    relevant()
  })
  cluster.kernel.subscribe('request-finished', (fact) => {
    const request = fact as RequestFinished
    if (request.outcome === 'ok' || request.outcome === 'unresolved') return
    const leaving = leavingByAddress.get(request.backend.slice(0, request.backend.indexOf(':')))
    if (leaving !== undefined && cluster.kernel.now - leaving.at < SHADOW_MICROS) lost(request, leaving)
  })
}

/** Somebody was left to answer: a service without ready endpoints falls back to leaving ones until they are gone (KEP-1669). */
function hasReadyEndpoint(cluster: Cluster, { namespace, service }: RequestFinished): boolean {
  for (const slice of cluster.truth.list('endpointslices')) {
    if (slice.metadata.namespace !== namespace || slice.metadata.labels?.['kubernetes.io/service-name'] !== service)
      continue
    if (slice.endpoints.some((endpoint) => endpoint.conditions?.ready !== false)) return true
  }
  return false
}

/** The shortest preStop sleep among the containers that serve; 0 without a hook. */
function hookMicros(pod: Pod): Micros {
  let shortest = Number.MAX_SAFE_INTEGER
  for (const container of pod.spec.containers) {
    const hook = container.lifecycle?.preStop
    const command = hook?.exec?.command.join(' ') ?? ''
    const seconds = hook?.sleep?.seconds ?? Number(/(?:^|\s)sleep (\d+)/.exec(command)?.[1] ?? 0)
    shortest = Math.min(shortest, seconds * 1_000_000)
  }
  return Math.min(shortest, (pod.metadata.deletionGracePeriodSeconds ?? 30) * 1_000_000)
}

export const rolloutLosesNothing: PropertyDefinition = {
  id: 'rollout-with-prestop-loses-no-request',
  mode: 'always',
  claim:
    'no request to a pod that is leaving fails when its preStop hook outlasts propagation, another pod is ready and nothing else is disturbed',
  source: 'documentation "Pod Lifecycle", termination; KEP-1669 proxy terminating endpoints',
  trigger: 'a pod with a long enough preStop hook was deleted while clients were asking',
  catches: ['endpointslice-keeps-terminating-ready', 'proxy-loses-changes-after-failed-restore'],
  monitor(cluster, report) {
    let waiting = false
    followLostRequests(
      cluster,
      () => {
        waiting = true
      },
      (request, leaving) => {
        if (leaving.hookMicros < PROPAGATION_MICROS || cluster.calm.disturbedSince(leaving.at - 10_000_000)) return
        if (!hasReadyEndpoint(cluster, request)) return
        report.fail({
          subject: `service ${request.namespace}/${request.service}`,
          shape: `lost-${request.outcome}`,
          message: `a request to ${request.backend} was ${request.outcome} ${Math.round((cluster.kernel.now - leaving.at) / 1000)} ms after its pod began to leave, although its preStop hook lasts ${leaving.hookMicros / 1_000_000} s`,
        })
      },
    )
    cluster.kernel.subscribe('request-finished', () => {
      if (waiting) report.reached()
    })
    return {}
  },
}

export const rolloutWithoutPreStopLoses: PropertyDefinition = {
  id: 'rollout-without-prestop-loses-requests',
  mode: 'sometimes',
  claim: 'without a preStop hook some requests to a leaving pod are lost',
  source: 'documentation "Pod Lifecycle": endpoints are removed in parallel with the shutdown',
  trigger: 'a pod without a preStop hook was deleted while clients were asking',
  catches: [],
  monitor(cluster, report) {
    followLostRequests(
      cluster,
      () => report.reached(),
      (_request, leaving) => {
        if (leaving.hookMicros === 0 && !cluster.calm.disturbedSince(leaving.at)) report.seen()
      },
    )
    return {}
  },
}
