/** What people do to the cluster during a trial: kubectl's verbs as data. Executed by the operator process (`operator.ts`). */
import type { Micros } from '../kernel/time.ts'
import type { KubeObject, Resource } from '../objects/index.ts'

interface Step {
  /** Unique in the scenario; stays the same when other steps are removed. */
  readonly id: string
  readonly atMicros: Micros
}

/** What etcdctl does, to the member of that name. */
export type EtcdStep = Step &
  (
    | { readonly kind: 'etcd-member-add'; readonly member: string; readonly learner: boolean }
    | {
        readonly kind: 'etcd-member-promote' | 'etcd-member-remove' | 'etcd-move-leader' | 'etcd-defragment'
        readonly member: string
      }
    /** Of everything before the present revision. */
    | { readonly kind: 'etcd-compact' }
  )

export type WorkloadStep =
  | EtcdStep
  /** kubectl apply: created, or merge-patched onto what is there. */
  | (Step & { readonly kind: 'apply'; readonly object: KubeObject })
  | (Step & {
      readonly kind: 'scale'
      readonly namespace: string
      readonly deployment: string
      readonly replicas: number
    })
  /** A new image for the first container: starts a rollout. */
  | (Step & {
      readonly kind: 'set-image'
      readonly namespace: string
      readonly deployment: string
      readonly image: string
    })
  /** kubectl rollout restart. `token` makes the annotation's value. */
  | (Step & {
      readonly kind: 'restart-rollout'
      readonly namespace: string
      readonly deployment: string
      readonly token: string
    })
  | (Step & {
      readonly kind: 'pause-rollout' | 'resume-rollout' | 'rollback'
      readonly namespace: string
      readonly deployment: string
    })
  /** Deletes the pod that stands at `index` (modulo their number) among the deployment's pods in name order. 0 grace is a forced delete. */
  | (Step & {
      readonly kind: 'delete-pod'
      readonly namespace: string
      readonly deployment: string
      readonly index: number
      readonly gracePeriodSeconds?: number
    })
  | (Step & {
      readonly kind: 'delete'
      readonly resource: Resource
      readonly namespace?: string
      readonly name: string
      readonly propagationPolicy?: 'Foreground' | 'Background' | 'Orphan'
    })
  | (Step & {
      readonly kind: 'patch'
      readonly resource: Resource
      readonly namespace?: string
      readonly name: string
      readonly patch: unknown
    })
  | (Step & { readonly kind: 'cordon' | 'uncordon'; readonly node: string })
  /** kubectl drain: cordon, then evict every pod, retrying while a budget says no. */
  | (Step & { readonly kind: 'drain'; readonly node: string })

export function isEtcdStep(step: WorkloadStep): step is EtcdStep {
  return step.kind.startsWith('etcd-')
}

/** A client that opens connections to a service through a node's data plane and records what it sees. */
export interface TrafficClient {
  readonly id: string
  /** A pod on the node, the node itself, or a machine outside that uses the node port of that node. */
  readonly from: 'pod' | 'node' | 'outside'
  readonly node: string
  readonly namespace: string
  readonly service: string
  readonly port: number
  readonly protocol: 'TCP' | 'UDP'
  /** Time between the starts of two requests. */
  readonly everyMicros: Micros
  /** One connection for many requests, or a new one for each. */
  readonly keepAlive: boolean
  readonly startMicros: Micros
  /** A request without an answer for so long has timed out. */
  readonly timeoutMicros: Micros
  /** How many source ports it takes in turn (net.ipv4.ip_local_port_range, a busy client). Default: 28,232, the kernel's. */
  readonly sourcePorts?: number
}

export type RequestOutcome = 'ok' | 'refused' | 'reset' | 'timed-out' | 'misrouted' | 'unresolved'
