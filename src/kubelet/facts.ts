/** What the kubelet and the container runtime report for properties, the story and the trace. Times are added by the kernel. */
import type { PodPhase } from '../objects/index.ts'
import type { ProbeKind, ProbeResult } from './probethreshold.ts'

interface OfPod {
  readonly node: string
  /** `namespace/name`. */
  readonly podKey: string
  readonly podUid: string
}

interface OfContainer extends OfPod {
  readonly container: string
  readonly containerId: string
  /** An init container, sidecars included. */
  readonly init: boolean
}

interface OfSandbox extends OfPod {
  readonly sandboxId: string
  readonly podIp: string
}

interface OfInstance extends OfContainer {
  /** 0 for the first of its name. */
  readonly attempt: number
  readonly image: string
}

/** From the runtime: what really happened on the node. */
export type RuntimeFact =
  | (OfSandbox & { readonly type: 'sandbox-started' })
  | (OfSandbox & { readonly type: 'sandbox-stopped' })
  | (OfInstance & { readonly type: 'container-created' })
  | (OfInstance & { readonly type: 'container-started' })
  | (OfContainer & {
      readonly type: 'container-listening'
      readonly podIp: string
      readonly ports: readonly number[]
    })
  | (OfContainer & { readonly type: 'prestop-started' })
  | (OfContainer & { readonly type: 'prestop-ended'; readonly outcome: HookOutcome })
  | (OfContainer & { readonly type: 'poststart-started' })
  | (OfContainer & { readonly type: 'poststart-ended'; readonly outcome: HookOutcome })
  /** KILL follows `graceSeconds` later. */
  | (OfContainer & { readonly type: 'term-sent'; readonly graceSeconds: number })
  | (OfContainer & { readonly type: 'kill-sent'; readonly graceSeconds: number })
  | (OfContainer & { readonly type: 'container-exited'; readonly exitCode: number; readonly reason: string })
  /** Records of exited containers were removed behind the kubelet's back. */
  | { readonly type: 'containers-collected'; readonly node: string; readonly count: number }
  | {
      readonly type: 'connections-reset'
      readonly node: string
      readonly podIp: string
      readonly ids: readonly number[]
    }
  | { readonly type: 'image-pulled'; readonly node: string; readonly image: string; readonly cached: boolean }
  | { readonly type: 'image-pull-failed'; readonly node: string; readonly image: string }

/** From the kubelet: what it decided and what it told the API. */
export type KubeletFact =
  | { readonly type: 'node-registered'; readonly node: string; readonly existed: boolean }
  | { readonly type: 'node-status-written'; readonly node: string; readonly ready: boolean }
  | (OfPod & { readonly type: 'pod-admitted' })
  | (OfPod & { readonly type: 'pod-rejected'; readonly reason: string; readonly message: string })
  /** The pod's containers are to stop for good. `graceSeconds` is the pod's effective grace period. */
  | (OfPod & {
      readonly type: 'termination-started'
      readonly graceSeconds: number
      readonly cause: 'deleted' | 'removed' | 'finished' | 'deadline' | 'orphaned'
    })
  | (OfPod & { readonly type: 'termination-shortened'; readonly graceSeconds: number })
  /** All containers and the sandbox have stopped. */
  | (OfPod & { readonly type: 'termination-finished' })
  /** One container is to stop: TERM after its preStop hook (if any) or when the grace is over, KILL at the end. */
  | (OfContainer & {
      readonly type: 'stop-started'
      readonly graceSeconds: number
      readonly reason: StopReason
      readonly preStop: boolean
    })
  /** The grace is now so many seconds from this moment. */
  | (OfContainer & { readonly type: 'stop-shortened'; readonly graceSeconds: number })
  | (OfContainer & { readonly type: 'probe-result'; readonly kind: ProbeKind; readonly result: ProbeResult })
  /** The API has taken a status with another phase. */
  | (OfPod & { readonly type: 'pod-phase'; readonly phase: PodPhase; readonly ready: boolean })
  /** The API has taken a status with another Ready condition. */
  | (OfPod & { readonly type: 'pod-readiness'; readonly ready: boolean })
  /** The API has taken the final delete. */
  | (OfPod & { readonly type: 'pod-removed' })

/** `cut`: the container ended, or the kubelet went away, before the hook did. */
export type HookOutcome = 'ok' | 'failed' | 'cut'

/** Why a container is stopped. */
export type StopReason = 'termination' | 'liveness' | 'startup' | 'poststart' | 'sandbox' | 'changed'
