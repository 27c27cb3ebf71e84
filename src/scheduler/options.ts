/** Every option of the scheduler, with its unit and default. Made total once. */

import { CLIENT_DECISIONS, CLIENT_RATES, type ClientDecisions } from '../client/index.ts'
import type { ProcessId } from '../kernel/machine.ts'
import type { Streams } from '../kernel/random.ts'
import { MINUTE, type Micros, SECOND } from '../kernel/time.ts'
import { SCHEDULER_DECISIONS, type SchedulerDecisions } from './decisions.ts'

export interface SchedulerOptions {
  readonly servers: readonly ProcessId[]
  readonly streams: Streams
  /** Names this replica in facts and draws. Default "scheduler". */
  readonly name?: string
  /** Schedule only while holding the lease kube-system/kube-scheduler. Default true. */
  readonly leaderElect?: boolean
  /** Only pods that ask for this scheduler. Default "default-scheduler". */
  readonly schedulerName?: string
  /** Virtual time of one scheduling cycle, drawn between the two. Default 200 us to 400 us. */
  readonly cycleMicrosMin?: Micros
  readonly cycleMicrosMax?: Micros
  /** First wait of a pod that could not be placed. Default 1 s; doubles. */
  readonly podInitialBackoffMicros?: Micros
  /** Longest wait. Default 10 s. */
  readonly podMaxBackoffMicros?: Micros
  /** An unschedulable pod is tried again after so long without any event that could help. Default 5 min. */
  readonly unschedulableFlushMicros?: Micros
  /** Share of nodes to find feasible before scoring. Default 0: adaptive, 50 % less 1 % per 125 nodes, at least 5 %. */
  readonly percentageOfNodesToScore?: number
  /** Requests a second and at once. Default 50 and 100. */
  readonly qps?: number
  readonly burst?: number
  /** Note informer events. Default false. */
  readonly observe?: boolean
  /** Tell what it does as Events. Default false. */
  readonly events?: boolean
  readonly decisions?: Partial<SchedulerDecisions>
  readonly clientDecisions?: Partial<ClientDecisions>
}

export type CompleteSchedulerOptions = Required<SchedulerOptions> & {
  readonly decisions: SchedulerDecisions
  readonly clientDecisions: ClientDecisions
}

export function completeSchedulerOptions(options: SchedulerOptions): CompleteSchedulerOptions {
  return {
    servers: options.servers,
    streams: options.streams,
    name: options.name ?? 'scheduler',
    leaderElect: options.leaderElect ?? true,
    schedulerName: options.schedulerName ?? 'default-scheduler',
    cycleMicrosMin: options.cycleMicrosMin ?? 200,
    cycleMicrosMax: options.cycleMicrosMax ?? 400,
    podInitialBackoffMicros: options.podInitialBackoffMicros ?? SECOND,
    podMaxBackoffMicros: options.podMaxBackoffMicros ?? 10 * SECOND,
    unschedulableFlushMicros: options.unschedulableFlushMicros ?? 5 * MINUTE,
    percentageOfNodesToScore: options.percentageOfNodesToScore ?? 0,
    qps: options.qps ?? CLIENT_RATES.scheduler.qps,
    burst: options.burst ?? CLIENT_RATES.scheduler.burst,
    observe: options.observe ?? false,
    events: options.events ?? false,
    decisions: { ...SCHEDULER_DECISIONS, ...options.decisions },
    clientDecisions: { ...CLIENT_DECISIONS, ...options.clientDecisions },
  }
}
