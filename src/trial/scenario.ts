/**
 * A scenario: plain JSON that decides a run wholly. Nothing else (no environment, no clock, no flag) may change what a
 * trial does. Times are microseconds of virtual time since the cluster was switched on.
 */
import type { EtcdClientSpec, Topology, TrafficClient, UnhealedHosts, WorkloadStep } from '../cluster/index.ts'
import type { Micros, PrioritySchedule } from '../kernel/index.ts'
import type { AppModel } from '../kubelet/index.ts'
import type { KubeObject } from '../objects/index.ts'

export const SCENARIO_FORMAT = 'seatrial/scenario'
export const SCENARIO_VERSION = 1

export interface FaultStep {
  /** Unique in the scenario; stays the same when other steps are removed. */
  readonly id: string
  /** A registered fault kind, such as `partition` or `crash-process`. */
  readonly kind: string
  readonly atMicros: Micros
  /** How long it lasts; every fault is healed when the active phase ends, whatever this says. */
  readonly durationMicros: Micros
  /** What the kind needs: targets by name, amounts with their unit in the key. */
  readonly parameters: Readonly<Record<string, unknown>>
}

/** Priorities of processes with change points, drawn from a seed of their own. */
export interface Schedule extends PrioritySchedule {
  readonly kind: 'pct'
}

export interface Scenario {
  readonly format: typeof SCENARIO_FORMAT
  readonly version: typeof SCENARIO_VERSION
  /** The suite or profile that it was drawn from; for people. */
  readonly name: string
  readonly seed: string
  readonly topology: Topology
  /** How the programs in containers behave, by image. Images not named here get the default model. */
  readonly apps: Readonly<Record<string, Partial<AppModel>>>
  /** Applied in order as soon as the API answers. */
  readonly objects: readonly KubeObject[]
  readonly workload: readonly WorkloadStep[]
  readonly traffic: readonly TrafficClient[]
  /** Clients of etcd besides the API servers. Default: none. */
  readonly etcdClients?: readonly EtcdClientSpec[]
  readonly faults: readonly FaultStep[]
  /** The active phase: faults and workload happen in it. */
  readonly durationMicros: Micros
  /** The quiet phase after it: everything is healed and the cluster must converge within it. */
  readonly settleMicros: Micros
  /**
   * The quiet phase heals only these hosts (`etcd-0`, `master-0`, `node-0` …): all others of etcd, the control plane and the
   * nodes lose power when it begins, for good, and what is left must converge. Left out: it heals everything.
   */
  readonly core?: readonly string[]
  /** Hosts outside the core that keep power, and how they go on: cut off, hard to hear. They disturb the core, which must converge. */
  readonly unhealed?: UnhealedHosts
  /** Latencies of network and disk: drawn from the seed (the default), or each at its mean; the last step of shrinking. */
  readonly jitter?: 'drawn' | 'mean'
  /** Which of several events due at one moment comes first, and which messages are overtaken. Left out: the order of scheduling. */
  readonly schedule?: Schedule
  /** Property ids to check; empty means all registered ones. */
  readonly properties: readonly string[]
  /** Historical bugs switched on. */
  readonly defects: readonly string[]
}
