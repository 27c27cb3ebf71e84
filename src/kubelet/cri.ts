/**
 * What passes between a kubelet and the container runtime of its host: calls, one answer each, and events. Models the Container
 * Runtime Interface (k8s.io/cri-api v1), cut to what the machines need: create and start of a container are one call.
 */
import type { Message, Micros } from '../kernel/index.ts'
import type { Container, LifecycleHandler, Pod } from '../objects/index.ts'

export interface SandboxRecord {
  readonly id: string
  readonly podUid: string
  /** `namespace/name`. */
  readonly podKey: string
  /** 0 for a pod's first sandbox. */
  readonly attempt: number
  readonly state: 'ready' | 'stopped'
  readonly ip: string
  readonly createdWall: Micros
}

/** A container as the runtime knows it. Replaced, never changed. */
export interface ContainerRecord {
  readonly id: string
  readonly sandboxId: string
  readonly podUid: string
  readonly podKey: string
  readonly name: string
  readonly init: boolean
  /** What it was made from; also the runtime's copy for pods that the API has forgotten (upstream: labels and annotations). */
  readonly spec: Container
  /** The pod's grace period when it was made, for the same reason. */
  readonly podGraceSeconds: number
  /** The container's restart count: 0 for the first of its name. */
  readonly attempt: number
  readonly state: 'running' | 'exited'
  /** The host clock's reading, for durations. */
  readonly startedAt: Micros
  readonly startedWall: Micros
  /** Meaningful once exited. */
  readonly finishedAt: Micros
  readonly finishedWall: Micros
  readonly exitCode: number
  readonly reason: 'Completed' | 'Error' | 'OOMKilled' | ''
}

export type HookKind = 'preStop' | 'postStart'

/** Kubelet to runtime. `id` is the kubelet's own. */
export type CriCall = Message &
  (
    | { readonly type: 'cri-list'; readonly id: number }
    | { readonly type: 'cri-run-sandbox'; readonly id: number; readonly pod: Pod; readonly attempt: number }
    | { readonly type: 'cri-stop-sandbox'; readonly id: number; readonly sandboxId: string }
    | { readonly type: 'cri-pull'; readonly id: number; readonly image: string; readonly attempt: number }
    | {
        readonly type: 'cri-start'
        readonly id: number
        readonly sandboxId: string
        readonly pod: Pod
        readonly container: Container
        readonly init: boolean
        readonly attempt: number
      }
    | {
        readonly type: 'cri-hook'
        readonly id: number
        readonly containerId: string
        readonly hook: HookKind
        readonly handler: LifecycleHandler
      }
    /** A second one for the same container can only bring the KILL forward. Abandoned (no KILL) if the kubelet goes away. */
    | { readonly type: 'cri-stop'; readonly id: number; readonly containerId: string; readonly timeoutSeconds: number }
    /** Exited containers and stopped sandboxes to forget. */
    | {
        readonly type: 'cri-remove'
        readonly id: number
        readonly containerIds: readonly string[]
        readonly sandboxIds: readonly string[]
      }
  )

/** `conflict`: there is a ready sandbox of the pod, or a running container of that name, already. */
export type CriError = 'conflict' | 'sandbox-failed' | 'pull-failed' | 'not-found' | 'image-missing' | 'hook-failed'

/** What has changed in the runtime. */
export interface CriNews {
  readonly sandbox?: SandboxRecord
  readonly container?: ContainerRecord
  /** Ids whose records are gone. */
  readonly removed?: { readonly podUid: string; readonly containerIds: readonly string[] }
}

/** Runtime to kubelet: the answer to a call, with what the call changed. */
export interface CriReply extends Message, CriNews {
  readonly type: 'cri-reply'
  readonly id: number
  readonly error?: CriError
  /** Only for `cri-list`. */
  readonly sandboxes?: readonly SandboxRecord[]
  readonly containers?: readonly ContainerRecord[]
  readonly images?: readonly string[]
}

/** Runtime to kubelet, unasked: what PLEG sees. */
export interface CriEvent extends Message, CriNews {
  readonly type: 'cri-event'
}

type WithoutId<T> = T extends { readonly id: number } ? Omit<T, 'id'> : never

/** A call before the kubelet has numbered it. */
export type CriRequest = WithoutId<CriCall>
