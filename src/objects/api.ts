/**
 * Requests to an API server and its answers: the REST verbs as data. Client and server agree here without importing each
 * other. Models apiserver's REST conventions (resourceVersion semantics, v1.33).
 */
import type { Message } from '../kernel/machine.ts'
import type { KubeObject, Status } from './meta.ts'
import type { Resource } from './resources.ts'

export type Subresource = 'status' | 'scale' | 'binding' | 'eviction' | 'finalize'

interface Target {
  readonly resource: Resource
  readonly namespace?: string
}

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number
  readonly propagationPolicy?: 'Foreground' | 'Background' | 'Orphan'
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string }
}

export interface ListSelectors {
  /** In query form: `app=web,tier!=db`, `env in (a,b)`. */
  readonly labelSelector?: string
  /** In query form: `spec.nodeName=node-1`, `metadata.name=web`. */
  readonly fieldSelector?: string
}

export type ApiRequest =
  /** `resourceVersion` unset: the most recent (through etcd). "0": any, from the cache. */
  | (Target & { readonly verb: 'get'; readonly name: string; readonly resourceVersion?: string })
  | (Target &
      ListSelectors & {
        readonly verb: 'list'
        readonly resourceVersion?: string
        readonly resourceVersionMatch?: 'Exact' | 'NotOlderThan'
        readonly limit?: number
        readonly continue?: string
      })
  | (Target &
      ListSelectors & {
        readonly verb: 'watch'
        /** Events after this version. Unset or "0": first the current state as ADDED events. */
        readonly resourceVersion?: string
        readonly allowWatchBookmarks?: boolean
        /** The server closes the watch after so long. */
        readonly timeoutSeconds?: number
      })
  | (Target & {
      readonly verb: 'create'
      readonly name?: string
      readonly subresource?: Subresource
      readonly object: unknown
      readonly dryRun?: boolean
    })
  | (Target & {
      readonly verb: 'update'
      readonly name: string
      readonly subresource?: Subresource
      readonly object: unknown
      readonly dryRun?: boolean
    })
  /** A JSON merge patch (RFC 7386). */
  | (Target & {
      readonly verb: 'patch'
      readonly name: string
      readonly subresource?: Subresource
      readonly patch: unknown
      readonly dryRun?: boolean
    })
  | (Target & {
      readonly verb: 'delete'
      readonly name: string
      readonly options?: DeleteOptions
      readonly dryRun?: boolean
    })
  | (Target & ListSelectors & { readonly verb: 'deletecollection'; readonly options?: DeleteOptions })

export interface ObjectList<T extends KubeObject = KubeObject> {
  readonly kind: 'List'
  readonly metadata: {
    readonly resourceVersion: string
    readonly continue?: string
    readonly remainingItemCount?: number
  }
  readonly items: readonly T[]
}

/** `code` is the HTTP status. 0: there was no answer (time-out or broken connection): whether a write took effect is unknown. */
export interface ApiResponse {
  readonly code: number
  readonly body: KubeObject | ObjectList | Status
}

export type WatchEvent<T extends KubeObject = KubeObject> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  /** Only kind and metadata.resourceVersion mean something. `initialEventsEnd` marks the end of the initial state. */
  | { readonly type: 'BOOKMARK'; readonly object: KubeObject; readonly initialEventsEnd?: boolean }
  | { readonly type: 'ERROR'; readonly object: Status }

/** Client to server, on a stream. `id` is the client's own, unique on its connection. */
export interface ApiCall extends Message {
  readonly type: 'api-call'
  readonly id: number
  readonly user: string
  readonly request: ApiRequest
}
/** Client to server: the caller is no longer interested (a watch stopped, a call timed out). */
export interface ApiCancel extends Message {
  readonly type: 'api-cancel'
  readonly id: number
}
/** Server to client: the one answer to a call. For a watch: the watch is open (code 200) or refused. */
export interface ApiReply extends Message {
  readonly type: 'api-reply'
  readonly id: number
  readonly response: ApiResponse
}
/** Server to client: events of an open watch, in order. */
export interface ApiWatchEvents extends Message {
  readonly type: 'api-watch-events'
  readonly id: number
  readonly events: readonly WatchEvent[]
}
/** Server to client: the watch has ended normally (time-out of the watch, server closing). */
export interface ApiWatchEnd extends Message {
  readonly type: 'api-watch-end'
  readonly id: number
}
export type ApiMessage = ApiCall | ApiCancel | ApiReply | ApiWatchEvents | ApiWatchEnd
