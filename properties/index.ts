/** The built-in properties and suites, registered. */
import type { PropertyDefinition, Registry } from '../src/trial/registry.ts'
import { informersEndEqual } from './api/caches.ts'
import { finalizersKept } from './api/finalizers.ts'
import { informerSeesEveryChange } from './api/gapless.ts'
import { neverBackInTime } from './api/informers.ts'
import { noFalseConflict, noLostUpdate } from './api/updates.ts'
import { budgetHolds } from './controllers/budgets.ts'
import { ownedIsNotCollected } from './controllers/collected.ts'
import { noMassEviction, silentNodesPodsNotReady } from './controllers/nodes.ts'
import { neverTooManyPods } from './controllers/replicas.ts'
import { surgeBound, unavailabilityBound } from './controllers/rollout.ts'
import { membersAgree } from './etcd/agreement.ts'
import { revisionNeverGoesBack } from './etcd/durability.ts'
import { oneHistory } from './etcd/history.ts'
import { leaseOutlivesRenewals, nothingOutlivesItsLease, onlyLeaderExpires } from './etcd/leases.ts'
import { answersAreTrue, linearizable, revisionsGrow } from './etcd/linearizable.ts'
import { promotedLearnerCaughtUp } from './etcd/promotion.ts'
import { readsAreAnswered } from './etcd/reads.ts'
import { startsFromItsDisk } from './etcd/restarts.ts'
import { watchGuarantees } from './etcd/watches.ts'
import { writesCommit } from './etcd/writes-commit.ts'
import { initContainersFirst, noStartAfterTheEnd, oneNodePerPod } from './kubelet/containers.ts'
import { fittingPodIsNotRejected, terminalPodHasStopped } from './kubelet/over.ts'
import { phaseIsFinal, terminalIsNotReady } from './kubelet/phase.ts'
import { killAfterGrace, killByGraceAndTwo, termAfterPreStop } from './kubelet/stopping.ts'
import { noPacketToDeadPod } from './network/dead-pods.ts'
import { dnsAnswersEqualEndpoints } from './network/dns.ts'
import { noDuplicateEndpoints, onlyReadyEndpoints } from './network/endpoints.ts'
import { openConnectionsAreKept } from './network/open-connections.ts'
import { proxyModesAgree, proxyRulesFollowTheApi } from './network/proxy-rules.ts'
import { leaderNotDisrupted } from './raft/disruption.ts'
import { oneLeaderPerTerm, oneVotePerTerm } from './raft/elections.ts'
import { committedNeverLost, logMatching } from './raft/logs.ts'
import { leaderWithinBound, quorumsOverlap } from './raft/membership.ts'
import { chargesWhatIsBound } from './scheduler/cache.ts'
import { boundOnce, noOvercommit } from './scheduler/overcommit.ts'
import { snapshotIsCurrent } from './scheduler/snapshot.ts'
import { SUITES } from './suites.ts'
import { drainEnds } from './system/drain-ends.ts'
import { oneLeaderPerLease } from './system/leadership.ts'
import { reconciliation } from './system/reconciliation.ts'
import { requestsSurvive } from './system/requests-survive.ts'
import { rolloutLosesNothing, rolloutWithoutPreStopLoses } from './system/rollout-traffic.ts'

export const PROPERTIES: readonly PropertyDefinition[] = [
  oneLeaderPerTerm,
  oneVotePerTerm,
  leaderNotDisrupted,
  leaderWithinBound,
  quorumsOverlap,
  logMatching,
  committedNeverLost,
  membersAgree,
  oneHistory,
  revisionNeverGoesBack,
  revisionsGrow,
  answersAreTrue,
  linearizable,
  watchGuarantees,
  leaseOutlivesRenewals,
  onlyLeaderExpires,
  nothingOutlivesItsLease,
  writesCommit,
  readsAreAnswered,
  promotedLearnerCaughtUp,
  startsFromItsDisk,
  finalizersKept,
  neverBackInTime,
  informersEndEqual,
  informerSeesEveryChange,
  noLostUpdate,
  noFalseConflict,
  neverTooManyPods,
  surgeBound,
  unavailabilityBound,
  noMassEviction,
  silentNodesPodsNotReady,
  budgetHolds,
  ownedIsNotCollected,
  noOvercommit,
  boundOnce,
  chargesWhatIsBound,
  snapshotIsCurrent,
  termAfterPreStop,
  killAfterGrace,
  killByGraceAndTwo,
  phaseIsFinal,
  terminalIsNotReady,
  terminalPodHasStopped,
  fittingPodIsNotRejected,
  oneNodePerPod,
  noStartAfterTheEnd,
  initContainersFirst,
  onlyReadyEndpoints,
  noDuplicateEndpoints,
  proxyModesAgree,
  proxyRulesFollowTheApi,
  dnsAnswersEqualEndpoints,
  noPacketToDeadPod,
  openConnectionsAreKept,
  oneLeaderPerLease,
  reconciliation,
  rolloutLosesNothing,
  rolloutWithoutPreStopLoses,
  requestsSurvive,
  drainEnds,
]

/** Adds every built-in property. */
export function registerProperties(registry: Registry): void {
  for (const property of PROPERTIES) registry.property(property)
}

/** Adds every built-in suite. */
export function registerSuites(registry: Registry): void {
  for (const suite of SUITES) registry.suite(suite(registry))
}
