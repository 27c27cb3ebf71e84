/** What clients of etcd asked, were answered and were shown, as properties see it. `client` is the client's id. */
import type { LoggedEvent, StoreInput, StoreOutput } from '../history/index.ts'
import type { Micros } from '../kernel/index.ts'

export interface EtcdCalled {
  readonly type: 'etcd-called'
  readonly client: string
  /** The client's number for this call, from 1. */
  readonly call: number
  readonly input: StoreInput
  /** A read that may be stale, or of the past, is no part of a linearizable history. */
  readonly isSerializable: boolean
  /** The revision that a read asked for; 0 for the newest. */
  readonly atRevision: number
}

export interface EtcdReturned {
  readonly type: 'etcd-returned'
  readonly client: string
  readonly call: number
  /** Refused: it certainly had no effect. Unknown: it may have had one, or may yet. */
  readonly outcome: 'answered' | 'refused' | 'unknown'
  /** Only when answered. */
  readonly output: StoreOutput | undefined
}

/** A lease was granted or renewed: it lasts for `ttlSeconds` at least from when that was asked for. */
export interface EtcdLeaseKept {
  readonly type: 'etcd-lease-kept'
  readonly client: string
  readonly lease: number
  readonly ttlSeconds: number
  readonly askedAt: Micros
}

/** The client asks for the end of its lease, or gives a grant up without having heard of it. */
export interface EtcdLeaseGivenUp {
  readonly type: 'etcd-lease-given-up'
  readonly client: string
  readonly lease: number
}

/** A watch begins, or one that was closed goes on. `watch` is the client's number for it. */
export interface EtcdWatchBegun {
  readonly type: 'etcd-watch-begun'
  readonly client: string
  readonly watch: number
  readonly startRevision: number
}

/** The watch was given events, or news of its progress, or was ended because of a compaction. */
export interface EtcdWatchShown {
  readonly type: 'etcd-watch-shown'
  readonly client: string
  readonly watch: number
  readonly events: readonly LoggedEvent[]
  /** Nothing is missing up to here; 0: nothing was said. */
  readonly progress: number
  /** Above 0: ended, what it needed next is compacted. */
  readonly compactRevision: number
}

/** The put that every client repeats until it is answered, once all faults are healed, was answered. */
export interface EtcdLastPut {
  readonly type: 'etcd-last-put'
  readonly client: string
  readonly attempts: number
  readonly waitedMicros: Micros
}

export type EtcdClientFact =
  | EtcdCalled
  | EtcdReturned
  | EtcdLeaseKept
  | EtcdLeaseGivenUp
  | EtcdWatchBegun
  | EtcdWatchShown
  | EtcdLastPut
