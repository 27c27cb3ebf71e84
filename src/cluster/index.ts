/** The cluster floor: what trials, faults and properties may use. */
export { Cluster } from './cluster.ts'
export { staleInformers, unconverged } from './convergence.ts'
export type { DecisionOverrides } from './decisions.ts'
export type { DnsServer } from './dns.ts'
export type {
  EtcdCalled,
  EtcdClientFact,
  EtcdLastPut,
  EtcdLeaseKept,
  EtcdReturned,
  EtcdWatchShown,
} from './etcd-client-facts.ts'
export { ETCD_LOAD_PREFIX, ETCD_OPERATIONS, type EtcdClientSpec, type EtcdOperation } from './etcd-load.ts'
export type { StepFact } from './operator.ts'
export type { ClusterOptions } from './options.ts'
export { completeTopology, componentNames, coreMistake, namesOf, SMALL_TOPOLOGY, type Topology } from './topology.ts'
export { type ConnectionCut, NAME_CACHE_MICROS, type RequestFinished } from './traffic.ts'
export { type Change, Truth } from './truth.ts'
export { type UnhealedCondition, type UnhealedHosts, unhealedMistake } from './unhealed.ts'
export { type EtcdStep, isEtcdStep, type RequestOutcome, type TrafficClient, type WorkloadStep } from './workload.ts'
