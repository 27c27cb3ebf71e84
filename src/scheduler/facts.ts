/** What the scheduler publishes. Times are added by the kernel. */

/** The pod is bound: the API server said so, or it was seen. */
export interface PodScheduledFact {
  readonly type: 'pod-scheduled'
  readonly pod: string
  readonly uid: string
  readonly node: string
  readonly scheduler: string
}

/** A pod has been taken from the queue, and the nodes are seen as they are at this moment. */
export interface CycleStartedFact {
  readonly type: 'scheduling-cycle-started'
  readonly pod: string
  readonly scheduler: string
}

/** A cycle chose a node; the binding is on its way and the cache counts the pod there. */
export interface PodAssumedFact {
  readonly type: 'pod-assumed'
  readonly pod: string
  readonly uid: string
  readonly node: string
  readonly scheduler: string
}

export interface PodUnschedulableFact {
  readonly type: 'pod-unschedulable'
  readonly pod: string
  readonly uid: string
  readonly message: string
  readonly scheduler: string
}

/** A binding was refused for good: the cache has forgotten the pod. */
export interface BindFailedFact {
  readonly type: 'bind-failed'
  readonly pod: string
  readonly uid: string
  readonly node: string
  readonly code: number
  readonly scheduler: string
}

export type SchedulerFact = PodScheduledFact | CycleStartedFact | PodAssumedFact | PodUnschedulableFact | BindFailedFact
