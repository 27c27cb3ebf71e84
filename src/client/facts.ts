/** What the client library publishes. Times are added by the kernel. */
import type { ProcessId } from '../kernel/machine.ts'
import type { Resource } from '../objects/index.ts'

/** An informer's store changed. Only noted where the factory's `observe` option is on. */
export interface InformerEventFact {
  readonly type: 'informer-event'
  readonly process: string
  readonly resource: Resource
  readonly key: string
  readonly uid: string
  readonly resourceVersion: string
  readonly change: 'add' | 'update' | 'delete'
  /** The delete was learned by a list, not seen: the object is the last known copy. */
  readonly tombstone: boolean
  /** The API server that the data came from. */
  readonly server: ProcessId
}

/** The client went to another API server. */
export interface ClientFailoverFact {
  readonly type: 'client-failover'
  readonly client: string
  readonly from: ProcessId
  readonly to: ProcessId
  readonly reason: 'disconnected' | 'silent'
}

/** A call had no answer in time: whether a write took effect is unknown. */
export interface ClientTimeoutFact {
  readonly type: 'client-timeout'
  readonly client: string
  readonly server: ProcessId
  readonly verb: string
  readonly resource: Resource
}

/** A reflector listed (again). `reason` says why. */
export interface ReflectorListFact {
  readonly type: 'reflector-list'
  readonly process: string
  readonly resource: Resource
  readonly requestedVersion: string
  readonly resourceVersion: string
  readonly items: number
  readonly server: ProcessId
}

export interface LeaderFact {
  readonly type: 'leader-started' | 'leader-stopped'
  readonly lease: string
  readonly identity: string
}

/** A reconcile ended in an error and will be tried again. */
export interface SyncFailedFact {
  readonly type: 'sync-failed'
  readonly controller: string
  readonly key: string
  readonly message: string
}

/** A controller tried a key so often that it tries no more until something changes: its queue has dropped the key. */
export interface SyncGivenUpFact {
  readonly type: 'sync-given-up'
  readonly controller: string
  readonly key: string
  readonly failures: number
}

export type ClientFact =
  | InformerEventFact
  | ClientFailoverFact
  | ClientTimeoutFact
  | ReflectorListFact
  | LeaderFact
  | SyncFailedFact
  | SyncGivenUpFact
