/**
 * What clients see of a rollout. With a preStop hook that outlasts propagation no request is lost; without one some are, and
 * that must be seen, or the model is too kind.
 *
 * How the news of a leaving pod spreads: the API server stores its deletion, the EndpointSlice controller is told and writes
 * the slice, every kube-proxy is told and loads new rules at its own pace. Who goes by name to a headless service has no
 * rules in between: CoreDNS is told of the slice, and the client keeps what it resolved before for as long as the record
 * says. A hook must outlast that too.
 */
import { type Cluster, NAME_CACHE_MICROS, type RequestFinished } from '../../src/cluster/index.ts'
import type { Micros } from '../../src/kernel/index.ts'
import type { ProxyFact } from '../../src/proxy/index.ts'
import type { PropertyDefinition } from '../../src/trial/registry.ts'
import { onFact } from '../define.ts'
import { ReadyEndpoints } from '../network/ready-endpoints.ts'
import { type Leaving, LeavingPods } from './leaving-pods.ts'

/** From "this pod is leaving" to the last node's rules, with an undisturbed control plane: API writes, watches, the proxy's sync period. */
const PROPAGATION_MICROS: Micros = 4_000_000
/** Failures this long after a container was stopped are put down to the stop. */
const SHADOW_MICROS: Micros = 40_000_000

/** Calls `lost` for each failed request to a backend whose pod was being deleted. */
function followLostRequests(
  cluster: Cluster,
  pods: LeavingPods,
  lost: (request: RequestFinished, leaving: Leaving) => void,
): void {
  cluster.kernel.subscribe('request-finished', (fact) => {
    const request = fact as RequestFinished
    if (request.outcome === 'ok' || request.outcome === 'unresolved') return
    const leaving = pods.at(request.backend.slice(0, request.backend.indexOf(':')))
    if (leaving !== undefined && cluster.kernel.now - leaving.at < SHADOW_MICROS) lost(request, leaving)
  })
}

/** Nodes whose proxy could not load its rules when it last tried: it keeps the old ones and tries again after its sync period. */
function followFailedSyncs(cluster: Cluster): ReadonlySet<string> {
  const nodes = new Set<string>()
  onFact<ProxyFact, 'proxy-sync-failed'>(cluster, 'proxy-sync-failed', (fact) => nodes.add(fact.node))
  onFact<ProxyFact, 'proxy-synced'>(cluster, 'proxy-synced', (fact) => nodes.delete(fact.node))
  return nodes
}

/** How long the news takes to reach the client of this request. */
function propagationMicros(cluster: Cluster, { namespace, service }: RequestFinished): Micros {
  const headless = cluster.truth.get('services', `${namespace}/${service}`)?.spec.clusterIP === 'None'
  return headless ? PROPAGATION_MICROS + NAME_CACHE_MICROS : PROPAGATION_MICROS
}

/** A socket's datagrams go where its first one went for as long as that endpoint serves: no hook moves them in time. */
function isByDatagram(cluster: Cluster, { namespace, service }: RequestFinished): boolean {
  const ports = cluster.truth.get('services', `${namespace}/${service}`)?.spec.ports ?? []
  return ports.some((port) => port.protocol === 'UDP')
}

/** The node whose endpoints alone may answer the request, if the service says so. */
function onlyNode(cluster: Cluster, { namespace, service, from, node }: RequestFinished): string | undefined {
  const spec = cluster.truth.get('services', `${namespace}/${service}`)?.spec
  const policy = from === 'outside' ? spec?.externalTrafficPolicy : spec?.internalTrafficPolicy
  return policy === 'Local' ? node : undefined
}

export const rolloutLosesNothing: PropertyDefinition = {
  id: 'rollout-with-prestop-loses-no-request',
  mode: 'always',
  claim:
    'no request that opens a connection to a pod that is leaving (from a port whose last SYN was answered) fails when its preStop hook outlasts propagation (for clients of a headless service: and the time to live of its name), its program runs on meanwhile, another pod that may answer has been ready for as long and nothing else is disturbed',
  source:
    'documentation "Pod Lifecycle", termination; KEP-1669 proxy terminating endpoints; CoreDNS plugin/kubernetes ttl',
  trigger: 'a pod with a long enough preStop hook was deleted while clients were asking',
  catches: ['planted-hasty-term'],
  monitor(cluster, report) {
    let waiting = false
    const pods = new LeavingPods(cluster, ({ hookMicros }) => {
      if (hookMicros >= PROPAGATION_MICROS) waiting = true
    })
    const endpoints = new ReadyEndpoints(cluster)
    const withOldRules = followFailedSyncs(cluster)
    followLostRequests(cluster, pods, (request, leaving) => {
      // On a kept connection a request may cross with the server's close; trying again is the client's part (RFC 9112, 9.3.1).
      // A SYN from a port whose last SYN nobody answered counts as that one repeated: it goes where that one went.
      if (!request.opened || request.repeatsSyn) return
      const bound = propagationMicros(cluster, request)
      if (leaving.hookMicros < bound || cluster.calm.disturbedSince(leaving.at - 10_000_000)) return
      if (pods.isTroubled(leaving) || withOldRules.has(request.node) || isByDatagram(cluster, request)) return
      // Without a ready endpoint a service falls back to leaving ones until they are gone (KEP-1669).
      const service = `${request.namespace}/${request.service}`
      if (!endpoints.hasOneFor(service, bound, onlyNode(cluster, request))) return
      report.fail({
        subject: `service ${service}`,
        shape: `lost-${request.outcome}`,
        message: `a request to ${request.backend} was ${request.outcome} ${Math.round((cluster.kernel.now - leaving.at) / 1000)} ms after its pod began to leave, although its preStop hook lasts ${leaving.hookMicros / 1_000_000} s`,
      })
    })
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
    const pods = new LeavingPods(cluster, ({ hookMicros }) => {
      if (hookMicros === 0) report.reached()
    })
    followLostRequests(cluster, pods, (_request, leaving) => {
      if (leaving.hookMicros === 0 && !pods.isTroubled(leaving) && !cluster.calm.disturbedSince(leaving.at))
        report.seen()
    })
    return {}
  },
}
