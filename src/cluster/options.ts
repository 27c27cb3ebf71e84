/** What a cluster is made with: its shape, its seed, and what a trial replaces or records. */
import type { PrioritySchedule } from '../kernel/index.ts'
import type { AppModel } from '../kubelet/index.ts'
import type { DecisionOverrides } from './decisions.ts'
import type { Topology } from './topology.ts'

export interface ClusterOptions {
  readonly topology: Topology
  readonly seed: string
  /** What defects replace; default nothing. */
  readonly decisions?: DecisionOverrides
  /** How the programs in containers behave, by image. */
  readonly apps?: Readonly<Record<string, Partial<AppModel>>>
  /** Events after which the run ends as `exhausted`. Default: the kernel's. */
  readonly maxSteps?: number
  /** Keep every event and fact, for stories and `--trace`. Default false. */
  readonly record?: boolean
  /** Let informers publish every change that they show; properties about informers need it. Default true. */
  readonly observeInformers?: boolean
  /** `mean`: every latency is its mean, for short stories. Default `drawn`. */
  readonly jitter?: 'drawn' | 'mean'
  /** Order by priorities of processes. Default: that of scheduling. */
  readonly schedule?: PrioritySchedule
}
