/** What an API server publishes for properties, the story and the trace. */
import type { Out, ProcessId } from '../kernel/machine.ts'
import type { Resource, Subresource } from '../objects/index.ts'

/** A write, or any request that was refused, was answered. */
export interface ApiRequestHandled {
  readonly type: 'api-request'
  readonly server: string
  readonly user: string
  readonly verb: string
  readonly resource: Resource
  readonly subresource: Subresource | undefined
  readonly namespace: string | undefined
  readonly name: string | undefined
  /** HTTP status. */
  readonly code: number
  /** For an update: the version that the writer's object carries. */
  readonly precondition: number | undefined
  /** The version of the object that the answer shows. */
  readonly revision: number | undefined
}

/** A watch cache stopped taking in events (`held`), or goes on (`released`), at a revision. */
export interface CacheLag {
  readonly type: 'cache-held' | 'cache-released'
  readonly server: string
  readonly resource: Resource
  readonly revision: number
  /** Events that waited, at a release. */
  readonly events: number
}

/** A read was served from a cache that is known to be held: a stale read happened. */
export interface StaleRead {
  readonly type: 'stale-read'
  readonly server: string
  readonly resource: Resource
  readonly revision: number
}

/** A watch cache lost its etcd watch, or was filled from a list (again). */
export interface CacheFilled {
  readonly type: 'cache-broken' | 'cache-filled'
  readonly server: string
  readonly resource: Resource
  readonly revision: number
  readonly generation: number
}

/** A client's watch began or ended. */
export interface WatchChanged {
  readonly type: 'watch-opened' | 'watch-closed'
  readonly server: string
  readonly client: ProcessId
  readonly user: string
  readonly resource: Resource
  readonly id: number
  /** Where it began; where it ended. */
  readonly revision: number
  readonly reason: 'client' | 'timeout' | 'disconnect' | 'expired' | 'cache-replaced' | 'fault' | 'opened'
}

/** The history of etcd was compacted by this server. */
export interface Compacted {
  readonly type: 'history-compacted'
  readonly server: string
  readonly revision: number
}

export type ApiServerFact = ApiRequestHandled | CacheLag | StaleRead | CacheFilled | WatchChanged | Compacted

/** Publishes a fact of this folder. */
export function note(out: Out, fact: ApiServerFact): void {
  out.note(fact)
}
