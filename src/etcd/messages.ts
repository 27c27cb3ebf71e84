/**
 * What clients and members say over their connection, and members among each other besides Raft's own messages. Models
 * etcd's gRPC streams: one connection a client, answers in any order, all watches of a client share one stream.
 */
import type { MemberId } from '../raft/index.ts'
import type { EtcdFailure } from './errors.ts'
import type { EtcdRequest, LeaderRequest, WriteRequest } from './requests.ts'
import type { EtcdResponse, HashResponse } from './responses.ts'
import type { Revision, WatchEvent } from './types.ts'

/** A watch's number, chosen by the client and unique in its process. */
export type WatchId = number

export type EtcdResult = { readonly ok: true; readonly value: EtcdResponse } | EtcdFailure

/** Client to member. */
export interface RequestMessage {
  readonly type: 'etcd-request'
  readonly id: number
  readonly request: EtcdRequest
  /** Without a leader it is refused at once: etcd's metadata `hasleader`. */
  readonly requireLeader?: true
}

/** Member to client. */
export interface ReplyMessage {
  readonly type: 'etcd-reply'
  readonly id: number
  readonly result: EtcdResult
}

/** Client to member. */
export interface WatchCreateMessage {
  readonly type: 'etcd-watch-create'
  readonly watch: WatchId
  readonly key: string
  readonly rangeEnd: string | undefined
  /** The first revision wanted; 0 for whatever comes next. */
  readonly startRevision: Revision
  readonly previousValue: boolean
  readonly progressNotify: boolean
  readonly unwanted?: 'puts' | 'deletes' | 'all' | undefined
  /** Large batches may come in pieces. */
  readonly fragments?: boolean | undefined
  /** Without a leader it goes on, and shows what this member has. */
  readonly outlivesLeaders?: boolean | undefined
}

/** Client to member. */
export interface WatchCancelMessage {
  readonly type: 'etcd-watch-cancel'
  readonly watch: WatchId
}

/** Client to member: `count` batches have been taken in, so there is room for more. */
export interface WatchAckMessage {
  readonly type: 'etcd-watch-ack'
  readonly count: number
}

/** Client to member: how far are my watches? */
export interface ProgressRequestMessage {
  readonly type: 'etcd-progress-request'
}

/** Member to client: the watch is there; the next event it can give has a revision above this one. */
export interface WatchCreatedMessage {
  readonly type: 'etcd-watch-created'
  readonly watch: WatchId
  readonly revision: Revision
}

/** Member to client: whole revisions, in order. `acknowledge` is above 0 when that many batches want an answer. */
export interface WatchEventsMessage {
  readonly type: 'etcd-watch-events'
  readonly watch: WatchId
  readonly events: readonly WatchEvent[]
  /** The watch has everything up to here. */
  readonly revision: Revision
  readonly acknowledge: number
  /** Pieces of the same batch follow: the watch does not have everything yet. */
  readonly hasMore?: boolean
}

/** Member to client: there is nothing up to `revision` that was not sent. Watch 0 stands for all of the client's. */
export interface WatchProgressMessage {
  readonly type: 'etcd-watch-progress'
  readonly watch: WatchId
  readonly revision: Revision
}

/** Member to client: no more will come. `compactRevision` is above 0 when what was wanted next is compacted. */
export interface WatchCancelledMessage {
  readonly type: 'etcd-watch-cancelled'
  readonly watch: WatchId
  readonly compactRevision: Revision
  readonly reason: string
  /** The watch can be had from no member. */
  readonly isFinal?: boolean
}

/** Member to member: you were removed, and nothing that you say counts. Models rafthttp's answer 410. */
export interface RemovedMessage {
  readonly type: 'etcd-removed'
}

/** Member to leader: a request that only the leader can answer. */
export interface ForwardMessage {
  readonly type: 'etcd-forward'
  readonly id: number
  readonly request: LeaderRequest
}

/** Leader to member. */
export interface ForwardedMessage {
  readonly type: 'etcd-forwarded'
  readonly id: number
  readonly result: EtcdResult
}

/** Member to member: the hash of what you hold as of this revision? */
export interface HashAskMessage {
  readonly type: 'etcd-hash-ask'
  readonly id: number
  readonly revision: Revision
}

/** Member to member; `told` is undefined when it holds that revision no longer, or not yet. */
export interface HashToldMessage {
  readonly type: 'etcd-hash-told'
  readonly id: number
  readonly member: MemberId
  readonly told: HashResponse | undefined
}

export type ClientMessage =
  | RequestMessage
  | WatchCreateMessage
  | WatchCancelMessage
  | WatchAckMessage
  | ProgressRequestMessage

export type MemberMessage =
  | ReplyMessage
  | WatchCreatedMessage
  | WatchEventsMessage
  | WatchProgressMessage
  | WatchCancelledMessage

/** What an entry of the log carries: a write, who wants its answer and under which number. */
export interface LoggedRequest {
  readonly origin: number
  readonly id: number
  readonly request: WriteRequest
}
