/** The cluster floor: what trials, faults and properties may use. */
export { Cluster, type ClusterOptions, type DecisionOverrides } from './cluster.ts'
export { staleInformers, unconverged } from './convergence.ts'
export type { StepFact } from './operator.ts'
export { completeTopology, namesOf, SMALL_TOPOLOGY, type Topology } from './topology.ts'
export type { RequestFinished } from './traffic.ts'
export { type Change, Truth } from './truth.ts'
export type { RequestOutcome, TrafficClient, WorkloadKind, WorkloadStep } from './workload.ts'
